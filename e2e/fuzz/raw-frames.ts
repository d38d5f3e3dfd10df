import type { SeededRandom } from '../chaos/seeded-random.ts'

/** Bytes that are no WebSocket frame a client may send (RFC 6455, section 5). */
export function brokenFrame(random: SeededRandom): Buffer {
  const mask = Buffer.from(random.bytes(4))
  const payload = (bytes: Uint8Array): Buffer => Buffer.from(bytes.map((byte, at) => byte ^ (mask[at % 4] ?? 0)))
  const masked = (first: number, bytes: Uint8Array): Buffer => {
    return Buffer.concat([Buffer.of(first, 0x80 | bytes.length), mask, payload(bytes)])
  }
  switch (random.below(6)) {
    case 0:
      return Buffer.concat([Buffer.of(0x82, 5), Buffer.from('plain')]) // not masked
    case 1:
      return masked(0x83, random.bytes(3)) // reserved opcode
    case 2:
      return masked(0xf2, random.bytes(3)) // reserved bits
    case 3:
      return masked(0x09, random.bytes(3)) // a control frame in fragments
    case 4:
      return masked(0x80, random.bytes(3)) // goes on with what never began
    default:
      return masked(0x81, Uint8Array.of(0xff, 0xfe, 0xc0)) // text that is no UTF-8
  }
}
