/** For virtual nodes beside real ones: pods stay off them unless they say that they may run there. */
export const virtualTaint = { key: 'coracle.dev/virtual', value: 'true', effect: 'NoSchedule' } as const;
