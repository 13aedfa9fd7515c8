/** Public face of @coracle/training: JobSet and TrainJob operators. */
export {};
