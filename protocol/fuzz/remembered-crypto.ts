import { hex } from '../src/index.ts'

type Subtle = typeof crypto.subtle

const nameOf = (algorithm: AlgorithmIdentifier): string => JSON.stringify(algorithm)
const bytesOf = (data: BufferSource): string =>
  hex(ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data))

/**
 * Remembers what WebCrypto answered. The same inputs are judged again for every check that is switched off, and all but
 * a few milliseconds of a judgement are signatures, which say the same each time.
 */
export function rememberCrypto(subtle: Subtle): void {
  const answers = new Map<string, Promise<unknown>>()
  const names = new WeakMap<CryptoKey, string>()
  const once = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const known = answers.get(key) as Promise<T> | undefined
    const answer = known ?? ask()
    if (!known) answers.set(key, answer)
    return answer
  }
  const [importKey, verify, digest] = [
    subtle.importKey.bind(subtle),
    subtle.verify.bind(subtle),
    subtle.digest.bind(subtle),
  ]

  subtle.importKey = (async (
    format: 'raw',
    data: BufferSource,
    algorithm: AlgorithmIdentifier,
    ...rest: [boolean, KeyUsage[]]
  ) => {
    if (!ArrayBuffer.isView(data)) return importKey(format, data, algorithm, ...rest)
    const name = `${format} ${nameOf(algorithm)} ${bytesOf(data)} ${rest.join()}`
    const key = await once(name, () => importKey(format, data, algorithm, ...rest))
    names.set(key, name)
    return key
  }) as Subtle['importKey']
  subtle.verify = (algorithm, key, signature, data) => {
    const name = `${nameOf(algorithm)} ${names.get(key)} ${bytesOf(signature)} ${bytesOf(data)}`
    return names.has(key)
      ? once(name, () => verify(algorithm, key, signature, data))
      : verify(algorithm, key, signature, data)
  }
  subtle.digest = (algorithm, data) => once(`${nameOf(algorithm)} ${bytesOf(data)}`, () => digest(algorithm, data))
}
