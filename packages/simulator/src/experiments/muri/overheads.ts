/**
 * What each start of a training job costs, in seconds, as the authors of Muri measured it (pkusys/Muri, `overhead_dict`): by
 * model, for 1, 2, 4, 8, 16 and 32 cards.
 */
const sizes = [1, 2, 4, 8, 16, 32];

const seconds: Readonly<Record<string, readonly number[]>> = {
  vgg16: [7, 7, 8, 9, 9, 10],
  vgg19: [7, 7, 8, 9, 10, 10],
  resnet18: [4, 5, 5, 7, 7, 7],
  shufflenet_v2_x1_0: [4, 4, 5, 5, 7, 8],
  bert: [10, 10, 10, 10, 10, 10],
  gpt2: [10, 10, 10, 10, 10, 10],
  a2c: [38, 39, 39, 46, 46, 46],
  dqn: [5, 5, 6, 6, 8, 8],
};

const unknownSeconds = 10;

export function overheadMs(model: string, cards: number): number {
  const known = Object.hasOwn(seconds, model) ? seconds[model]![sizes.indexOf(cards)] : undefined;
  return 1000 * (known ?? unknownSeconds);
}
