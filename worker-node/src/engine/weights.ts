import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { EngineError } from './engine.ts'

const unreadable = (path: string) => new EngineError('engine-failed', `cannot read the weights at ${path}`)

/**
 * SHA-256 of a weights file, in lower-case hexadecimal: what a node states that it runs. Reads the file as a stream.
 *
 * @throws EngineError `engine-failed` when the file cannot be read
 */
export async function digestWeights(path: string): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer)
  } catch {
    throw unreadable(path)
  }
  return hash.digest('hex')
}

const HEADER_BYTES = 24
/** Far above what models have: a few thousand tensors, some dozens of metadata entries. */
const MAX_ENTRIES = 1_000_000n

/**
 * Looks at the first bytes of a model file. node-llama-cpp believes any header: it reads for hours what is no GGUF.
 *
 * @throws EngineError `engine-failed` for a file that is absent, no GGUF, or only a part of one
 */
export async function checkWeights(path: string): Promise<void> {
  if (/-\d{5}-of-\d{5}\.gguf$/.test(path)) {
    // A digest of the first file would not say what the others hold.
    throw new EngineError(
      'engine-failed',
      'the model is split over several files: join them with llama-gguf-split --merge',
    )
  }
  const header = Buffer.alloc(HEADER_BYTES)
  try {
    const file = await open(path)
    try {
      await file.read(header, 0, HEADER_BYTES, 0)
    } finally {
      await file.close()
    }
  } catch {
    throw unreadable(path)
  }
  // GGUF: magic, version, number of tensors, number of metadata entries, little-endian.
  const known = header.toString('latin1', 0, 4) === 'GGUF' && [2, 3].includes(header.readUInt32LE(4))
  const counts = [header.readBigUInt64LE(8), header.readBigUInt64LE(16)]
  if (!known || !counts.every((count) => count > 0n && count < MAX_ENTRIES)) {
    throw new EngineError('engine-failed', `${path} is no GGUF model this engine knows`)
  }
}
