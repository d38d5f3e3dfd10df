import type { Bytes } from '../../bytes.ts'

/** DER from base64 (RFC 4648 section 4), in lines. */
export function der(...lines: readonly string[]): Bytes {
  return Uint8Array.from(atob(lines.join('')), (char) => char.charCodeAt(0))
}
