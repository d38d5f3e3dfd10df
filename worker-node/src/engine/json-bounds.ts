import { EngineError } from './engine.ts'

const [quote, backslash, openBrace, closeBrace, openBracket, closeBracket] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d]

/**
 * Parses JSON from an untrusted sender. Size and depth are checked on the bytes, before anything is built from them.
 *
 * @param limits `bytes` of the whole text; `depth` of nested objects and arrays
 * @throws EngineError `bad-request`
 */
export function parseBoundedJson(
  bytes: Uint8Array,
  limits: { readonly bytes: number; readonly depth: number },
): unknown {
  if (bytes.length > limits.bytes) throw new EngineError('bad-request', `body: more than ${limits.bytes} bytes`)
  if (jsonDepth(bytes) > limits.depth) throw new EngineError('bad-request', `body: nested deeper than ${limits.depth}`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new EngineError('bad-request', 'body: not UTF-8')
  }
  try {
    return JSON.parse(text)
  } catch {
    // JSON.parse quotes what it could not read: its message is not passed on.
    throw new EngineError('bad-request', 'body: not JSON')
  }
}

/** Deepest nesting of a JSON text; a number of no meaning when the bytes are not JSON. */
function jsonDepth(bytes: Uint8Array): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (inString) {
      if (byte === backslash) i++
      else if (byte === quote) inString = false
    } else if (byte === quote) inString = true
    else if (byte === openBrace || byte === openBracket) {
      depth++
      if (depth > deepest) deepest = depth
    } else if (byte === closeBrace || byte === closeBracket) depth--
  }
  return deepest
}
