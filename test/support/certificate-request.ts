/** A real PKCS#10 certificate request (EC P-256, CN=every-kind), base64 as `spec.request` wants it. */
export function certificateRequest(): string {
  return request;
}
/** The same as DER, base64. */
export function certificateRequestDer(): string {
  const pem = Buffer.from(request, 'base64').toString();
  return pem.replaceAll(/-----[A-Z ]+-----|\s/g, '');
}
const request =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIUE1IY0NBUUF3RlRFVE1CRUdBMVVFQXd3S1pYWmxjbmt0YTJsdVpEQlpNQk1HQnlxR1NNNDlBZ0VHQ0NxRwpTTTQ5QXdFSEEwSUFCRm1QWkRPbHVmWTV5cU1sbHJZYVRENmdEdEJTL0g3WFhvbm5mQndreFUwR2xrbXNSOFlXCjRwZzVDQ0RUcS9iMjg1Ui9vUlFDaFQzSnhjTlhYUWVvUzBtZ0FEQUtCZ2dxaGtqT1BRUURBZ05JQURCRkFpRUEKa1dKakd1QVpRM051dHl6QWQ1RTl3aDNNL3RhZ0VlM0IvS2wyOUJkZjVuc0NJQlpHZmlJU0RLZHlaWUNKUlQ1Zwo5SnBvL24vNGJ0aWVrYVNoZmhTRzc4MHcKLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==';
