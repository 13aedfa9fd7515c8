import { ApiError, type ApiResponse, reasonCodes, type Status, type StatusReason } from '@coracle/machinery';

/** Bytes of an answer's body, as they come. A watch or an upgrade has none. */
export async function* responseBytes(response: ApiResponse): AsyncGenerator<Uint8Array> {
  if (response.kind === 'stream') yield* response.body;
  else if (response.kind === 'object') {
    if (response.chunks) yield* response.chunks;
    else if (typeof response.value === 'string') yield Buffer.from(response.value);
    else if (response.value !== undefined) yield Buffer.from(JSON.stringify(response.value));
  } else throw new TypeError(`a ${response.kind} answer has no body`);
}

/** The whole body as text. */
export async function responseText(response: ApiResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of responseBytes(response)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** The answer's value: an object, or the parsed body. Text that is not JSON is returned as a string. */
export async function responseValue(response: ApiResponse): Promise<unknown> {
  if (response.kind === 'object' && response.value !== undefined) return response.value;
  const text = await responseText(response);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The error an answer of 400 or more stands for. Undefined: it is no error. */
export async function responseError(response: ApiResponse): Promise<ApiError | undefined> {
  if (response.kind === 'upgrade' || response.kind === 'watch' || response.code < 400) return undefined;
  const value = await responseValue(response);
  if (typeof value === 'object' && value !== null && (value as Status).kind === 'Status') {
    return ApiError.from({ code: response.code, ...(value as Status) });
  }
  const text = typeof value === 'string' && value.trim() !== '' ? value.trim() : 'the server gave no reason';
  return new ApiError(reasonOf(response.code), `the server answered ${response.code}: ${text}`, undefined, {
    code: response.code,
  });
}

function reasonOf(code: number): StatusReason {
  for (const [reason, of] of Object.entries(reasonCodes)) {
    if (of === code) return reason === 'AlreadyExists' ? 'Conflict' : (reason as StatusReason);
  }
  return code >= 500 ? 'InternalError' : 'BadRequest';
}
