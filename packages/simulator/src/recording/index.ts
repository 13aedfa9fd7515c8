/** Recordings of live clusters. */
export { readDuration } from '../scenario/duration.ts';
export { Names } from './names.ts';
export { readRecording, type RecordingOptions } from './read-recording.ts';
export { recordCluster, type RecordOptions, type RecordProgress } from './record-cluster.ts';
export { Recorder } from './recorder.ts';
export { openRecordingFile, type RecordingFile } from './recording-file.ts';
export { recordingRole } from './role.ts';
