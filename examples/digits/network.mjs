/**
 * A two-layer perceptron, written out: image -> hidden (ReLU) -> ten scores (softmax). All weights lie in one
 * Float32Array, and so do all gradients, so that an all-reduce is one call.
 */
import { classes, pixels } from './data.mjs';

/** A small seeded generator (mulberry32): the same seed gives every worker the same start. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export class Network {
  /** @param {number} hidden units of the hidden layer  @param {number} seed of the first weights */
  constructor(hidden, seed) {
    this.hidden = hidden;
    const sizes = [pixels * hidden, hidden, hidden * classes, classes];
    this.weights = new Float32Array(sizes.reduce((a, b) => a + b));
    this.gradients = new Float32Array(this.weights.length);
    // Views: weights and biases of both layers, and their gradients. Layer 1 is stored a pixel a row: most pixels are
    // black, and a black pixel's row is never touched.
    [this.w1, this.b1, this.w2, this.b2] = split(this.weights, sizes);
    [this.g1, this.gb1, this.g2, this.gb2] = split(this.gradients, sizes);
    const next = random(seed);
    const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    // He initialisation (K. He et al., 2015): variance 2 / inputs keeps the size of activations through ReLU layers.
    for (let i = 0; i < this.w1.length; i += 1) this.w1[i] = normal() * Math.sqrt(2 / pixels);
    for (let i = 0; i < this.w2.length; i += 1) this.w2[i] = normal() * Math.sqrt(2 / hidden);
    this.activation = new Float32Array(hidden);
    this.scores = new Float32Array(classes);
    this.back = new Float32Array(hidden);
  }

  /** Class probabilities of one image. The array is reused by the next call. */
  forward(image) {
    const { hidden, w1, b1, w2, b2, activation, scores } = this;
    activation.set(b1);
    for (let p = 0; p < pixels; p += 1) {
      const x = image[p];
      if (x === 0) continue;
      const row = p * hidden;
      for (let h = 0; h < hidden; h += 1) activation[h] += x * w1[row + h];
    }
    scores.set(b2);
    for (let h = 0; h < hidden; h += 1) {
      const a = activation[h];
      if (a <= 0) {
        activation[h] = 0;
        continue;
      }
      for (let c = 0; c < classes; c += 1) scores[c] += a * w2[h * classes + c];
    }
    const top = Math.max(...scores);
    let sum = 0;
    for (let c = 0; c < classes; c += 1) sum += scores[c] = Math.exp(scores[c] - top);
    for (let c = 0; c < classes; c += 1) scores[c] /= sum;
    return scores;
  }

  /** The digit the network sees in an image. */
  predict(image) {
    const scores = this.forward(image);
    return scores.indexOf(Math.max(...scores));
  }

  /** Adds one sample's gradients of the cross-entropy to `gradients`; returns its loss. */
  learn(image, label) {
    const { hidden, w2, g1, gb1, g2, gb2, activation, back } = this;
    const scores = this.forward(image);
    const loss = -Math.log(Math.max(scores[label], 1e-12));
    scores[label] -= 1; // d loss / d score of softmax with cross-entropy
    for (let c = 0; c < classes; c += 1) gb2[c] += scores[c];
    for (let h = 0; h < hidden; h += 1) {
      const a = activation[h];
      back[h] = 0;
      if (a === 0) continue;
      for (let c = 0; c < classes; c += 1) {
        g2[h * classes + c] += a * scores[c];
        back[h] += w2[h * classes + c] * scores[c];
      }
      gb1[h] += back[h];
    }
    for (let p = 0; p < pixels; p += 1) {
      const x = image[p];
      if (x === 0) continue;
      const row = p * hidden;
      for (let h = 0; h < hidden; h += 1) g1[row + h] += x * back[h];
    }
    return loss;
  }
}

function split(array, sizes) {
  let at = 0;
  return sizes.map((size) => array.subarray(at, (at += size)));
}
