export function settings(): { sslRootCertificate: string | undefined } {
  return { sslRootCertificate: undefined };
}
