/** Recordings of live clusters. */
export { recordCluster, type RecordOptions, type RecordProgress } from './record-cluster.ts';
export { openRecordingFile, type RecordingFile } from './recording-file.ts';
export { readRecording, type RecordingOptions } from './read-recording.ts';
