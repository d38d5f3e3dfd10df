import { type Bytes, concat, uint64 } from './bytes.ts'
import { CocoonError } from './errors.ts'
import { limits } from './network.ts'

export const NODE_NONCE_BYTES = 32
/** Content of a frame is padded to a multiple of this. */
export const FRAME_UNIT = 512
const TAG_BYTES = 16
const FINAL = 1

/**
 * One sealed piece of an answer: `flags (1) | sequence (8) | node nonce (32, frame 0 only) | ciphertext`.
 * Binary and fixed, because the relay handles each one and reads nothing but the first nine bytes.
 */
export interface Frame {
  readonly sequence: number
  readonly final: boolean
  /** In clear on frame 0 and nowhere else. */
  readonly nodeNonce: Bytes | null
  readonly ciphertext: Bytes
}

export const MAX_FRAME_BYTES = 9 + NODE_NONCE_BYTES + limits.frame + TAG_BYTES

export function encodeFrame(frame: Frame): Bytes {
  if ((frame.sequence === 0) !== (frame.nodeNonce !== null))
    throw new RangeError('frame 0 alone carries the node nonce')
  const flags = Uint8Array.of(frame.final ? FINAL : 0)
  return concat(flags, uint64(frame.sequence), frame.nodeNonce ?? new Uint8Array(0), frame.ciphertext)
}

/**
 * Reads what a relay needs: sequence and whether it is the last.
 * @throws CocoonError `broken-encoding`
 */
export function frameHead(bytes: Uint8Array): { sequence: number; final: boolean } {
  if (bytes.length < 9 || bytes.length > MAX_FRAME_BYTES)
    throw new CocoonError('broken-encoding', 'frame of impossible size')
  const flags = bytes[0] ?? 0
  if (flags > FINAL) throw new CocoonError('broken-encoding', 'unknown frame flags')
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const sequence = view.getUint32(5)
  if (view.getUint32(1) !== 0 || sequence >= limits.frames)
    throw new CocoonError('broken-encoding', 'sequence out of range')
  return { sequence, final: flags === FINAL }
}

/** @throws CocoonError `broken-encoding` */
export function decodeFrame(bytes: Bytes): Frame {
  const { sequence, final } = frameHead(bytes)
  const nonceEnd = sequence === 0 ? 9 + NODE_NONCE_BYTES : 9
  const sealedBytes = bytes.length - nonceEnd - TAG_BYTES
  if (sealedBytes < FRAME_UNIT || sealedBytes % FRAME_UNIT !== 0) {
    throw new CocoonError('broken-encoding', `frame content is no multiple of ${FRAME_UNIT} bytes`)
  }
  return {
    sequence,
    final,
    nodeNonce: sequence === 0 ? bytes.slice(9, nonceEnd) : null,
    ciphertext: bytes.slice(nonceEnd),
  }
}
