/** decode, for one encoding: protobuf bodies become values before the verbs see them. Answers are always JSON or YAML. */
import { type ApiRequest, decodeProtobuf, errors, ProtobufError } from '@coracle/machinery';
import { contentType } from './negotiate.ts';

/** What client-go's typed clients send. */
export const protobufMedia = 'application/vnd.kubernetes.protobuf';

/** Is there a body, and in protobuf? */
export const isProtobufBody = ({ body, headers }: ApiRequest): boolean =>
  body !== undefined && 'bytes' in body && contentType(headers['content-type']) === protobufMedia;

/** The request with a body in protobuf replaced by its value; any other as it is. Throws BadRequest for a malformed one. */
export async function readProtobufBody(request: ApiRequest): Promise<ApiRequest> {
  const { body, headers } = request;
  if (!body || !('bytes' in body) || !isProtobufBody(request)) return request;
  if (body.bytes.length === 0) return { ...request, body: undefined };
  try {
    const value = await decodeProtobuf(body.bytes);
    return { ...request, body: { value }, headers: { ...headers, 'content-type': 'application/json' } };
  } catch (error) {
    if (error instanceof ProtobufError)
      throw errors.badRequest(`the body is not valid protobuf: ${error.message}`);
    throw error;
  }
}
