/** Inputs: traces in several formats, recordings, and a generator. */
export { generate, type GeneratorSettings } from './generator/generate.ts';
export { formats, type Format } from './detect.ts';
export { readHelios, readHeliosCards, type HeliosOptions } from './helios.ts';
export { InputError } from './input-error.ts';
export type { Input, ReadOptions } from './input.ts';
export { readMappedCsv, type CsvMapping } from './mapped-csv.ts';
export type { FieldMapping } from './mapped-field.ts';
export { muriCluster, readMuriJobs } from './muri.ts';
export { equalNodes, makeNode, type NodeSize } from './nodes.ts';
export { noteText } from './notes.ts';
export { readOpenbNodes, readOpenbPods } from './openb.ts';
export { readPai, readPaiMachines, type PaiFiles, type PaiOptions } from './pai.ts';
export { readPhilly, readPhillyMachines, type PhillyOptions } from './philly.ts';
export { makeTemplate, Shapes, type PodShape } from './pod-shape.ts';
export { readInput, type InputOptions, type InputRequest } from './read-input.ts';
export { readSwf, swfFields, type SwfHeader, type SwfInput, type SwfOptions } from './swf.ts';
export { writeSwf, type SwfWriteOptions } from './swf-write.ts';
export { fileSource, textSource, type TextSource } from './text-source.ts';
