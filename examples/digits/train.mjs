/**
 * Data-parallel training: each worker takes its share of every batch, the workers add up their gradients with a ring
 * all-reduce, and all make the same step. Start one process with no arguments, or N with RANK, WORLD_SIZE, MASTER_ADDR
 * and MASTER_PORT set (as torchrun and a TrainJob do).
 *
 * Prints one `name=value` line an epoch, the form that metric collectors read. Worker 0 writes `model.json` and
 * `metrics.json` to $OUTPUT_DIR (./output).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { joinGroup } from './allreduce.mjs';
import { classes, loadDigits, pixels, side } from './data.mjs';
import { Network, random } from './network.mjs';

const epochs = Number(process.env.EPOCHS ?? 10);
const batch = Number(process.env.BATCH ?? 64);
const hidden = Number(process.env.HIDDEN ?? 96);
const rate = Number(process.env.LEARNING_RATE ?? 0.15);
const momentum = 0.9;
const seed = Number(process.env.SEED ?? 1);

const started = performance.now();
const group = await joinGroup();
const { train, test } = loadDigits();
const gpu = process.env.CUDA_VISIBLE_DEVICES;
console.log(
  `worker ${group.rank} of ${group.size}: ${train.length} training and ${test.length} held-out digits` +
    (gpu ? `, GPU ${gpu} (${process.env.NVIDIA_VISIBLE_DEVICES})` : ''),
);

const network = new Network(hidden, seed);
const velocity = new Float32Array(network.weights.length);
const order = Uint32Array.from(train.keys());
const shuffle = random(seed + 1); // the same order on every worker
const jitter = random(seed + 1000 + group.rank); // its own moves of the images
const moved = new Float32Array(pixels);

let accuracy = 0;
let loss = 0;
for (let epoch = 1; epoch <= epochs; epoch += 1) {
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = Math.floor(shuffle() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  // From 1 down to 0 along half a cosine (I. Loshchilov, F. Hutter, 2017).
  const step = (rate * (1 + Math.cos((Math.PI * (epoch - 1)) / epochs))) / 2;
  let epochLoss = 0;
  for (let start = 0; start < order.length; start += batch) {
    const end = Math.min(start + batch, order.length);
    network.gradients.fill(0);
    for (let i = start + group.rank; i < end; i += group.size) {
      const { image, label } = train[order[i]];
      epochLoss += network.learn(shift(image), label);
    }
    await group.sum(network.gradients);
    const scale = step / (end - start);
    for (let i = 0; i < velocity.length; i += 1) {
      velocity[i] = momentum * velocity[i] - scale * network.gradients[i];
      network.weights[i] += velocity[i];
    }
  }
  [loss] = await group.sum(Float32Array.of(epochLoss / order.length));
  accuracy = await evaluate();
  console.log(`epoch=${epoch} loss=${loss.toFixed(4)} accuracy=${accuracy.toFixed(4)}`);
}

if (group.rank === 0) {
  const folder = resolve(process.env.OUTPUT_DIR ?? 'output');
  mkdirSync(folder, { recursive: true });
  const seconds = (performance.now() - started) / 1000;
  writeFileSync(
    join(folder, 'model.json'),
    JSON.stringify({
      kind: 'perceptron',
      input: [side, side],
      hidden,
      classes,
      layout: 'w1[pixel][hidden] b1[hidden] w2[hidden][class] b2[class], float32, little-endian, base64',
      weights: Buffer.from(network.weights.buffer).toString('base64'),
    }),
  );
  const metrics = {
    accuracy,
    loss,
    epochs,
    workers: group.size,
    trained: train.length,
    heldOut: test.length,
    seconds,
  };
  writeFileSync(join(folder, 'metrics.json'), `${JSON.stringify(metrics, undefined, 2)}\n`);
  console.log(
    `wrote ${join(folder, 'model.json')} and metrics.json: accuracy=${accuracy.toFixed(4)} on ${test.length} held-out digits`,
  );
}
group.close();

/** The image moved by up to one pixel each way: the network shall not learn where on the paper a digit stands. */
function shift(image) {
  const dx = Math.floor(jitter() * 3) - 1;
  const dy = Math.floor(jitter() * 3) - 1;
  if (dx === 0 && dy === 0) return image;
  moved.fill(0);
  for (let y = Math.max(0, dy); y < side + Math.min(0, dy); y += 1) {
    for (let x = Math.max(0, dx); x < side + Math.min(0, dx); x += 1) {
      moved[y * side + x] = image[(y - dy) * side + x - dx];
    }
  }
  return moved;
}

/** Share of the held-out digits that are read right; each worker looks at its part of them. */
async function evaluate() {
  let right = 0;
  for (let i = group.rank; i < test.length; i += group.size) {
    if (network.predict(test[i].image) === test[i].label) right += 1;
  }
  const [all] = await group.sum(Float32Array.of(right));
  return all / test.length;
}
