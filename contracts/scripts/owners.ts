// What the owners of a registry do by hand: `node contracts/scripts/owners.ts COMMAND ...`. Nothing here touches a network; each
// owner signs on a machine of his own. What `make` prints is what `admin.ts` then announces on chain.
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import {
  type Bytes,
  CocoonError,
  createSigner,
  decodeCbor,
  encodeCbor,
  fromHex,
  hex,
  type Signer,
} from '@cocoon/protocol'
import {
  decodeRegistry,
  decodeStanding,
  encodeStanding,
  MAX_REGISTRY_BYTES,
  MAX_STAMP_SECONDS,
  OwnerSignature,
  registryDigest,
  type Revocable,
  revocable,
  type RevocableKind,
  signAsOwner,
  SignedRegistry,
  SignedStamp,
  signStamp,
  Stamp,
} from '@cocoon/protocol/appraisal'

const usage = `usage: node contracts/scripts/owners.ts COMMAND ...

  keygen KEY                      a new Ed25519 key, 32 bytes in hex, for the owner's eyes only; prints its public half
  make TEXT BODY                  registry statement from JSON (bytes as "0x...", times as Unix seconds); prints its digest
  sign BODY KEY SIGNATURE         one owner's signature; prints what is signed, so that he can look at it first
  join BODY SIGNATURE... REGISTRY the statement with its owners' signatures
  stamp REGISTRY KEY STAMP --sequence N [--hours H] [--revoke KIND:HEX]...
                                  the stamp service's word, good for 48 hours at most, with everything that is taken back
  publish REGISTRY STAMP STANDING the file that a broker's REGISTRY_SOURCE names
  show STANDING                   what is in it, unverified

KIND is one of ${Object.keys(revocable).join(', ')}.`

class Wrong extends Error {}

const reviveBytes = (_: string, value: unknown): unknown =>
  typeof value === 'string' && /^0x(?:[0-9a-f]{2})*$/.test(value) ? fromHex(value.slice(2)) : value
const showBytes = (_: string, value: unknown): unknown => (value instanceof Uint8Array ? `0x${hex(value)}` : value)
const readable = (value: unknown): string => JSON.stringify(value, showBytes, 2)

function read(file: string): Bytes {
  try {
    return new Uint8Array(readFileSync(file))
  } catch (cause) {
    throw new Wrong(`${file} cannot be read`, { cause })
  }
}
const decoded = <Schema extends Parameters<typeof decodeCbor>[0]>(schema: Schema, file: string) =>
  decodeCbor(schema, read(file), 2 * MAX_REGISTRY_BYTES)

async function keyIn(file: string): Promise<Signer> {
  const text = new TextDecoder().decode(read(file)).trim()
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Wrong(`${file} holds no key: 32 bytes in hex, as keygen writes them`)
  if ((statSync(file).mode & 0o077) !== 0) throw new Wrong(`Others can read ${file}: chmod 600 it first.`)
  return createSigner(fromHex(text))
}

/** What an owner should look at before he signs. */
async function printRegistry(body: Bytes): Promise<void> {
  const { sequence, network, issued, expires, references, models } = decodeRegistry(body)
  const date = (seconds: number): string => new Date(seconds * 1000).toISOString()
  console.log(`digest    ${hex(await registryDigest(body))}`)
  console.log(`sequence  ${sequence} on network ${network}, from ${date(issued)} until ${date(expires)}`)
  console.log(`accepts   ${references.length} reference values, models ${models.map(({ model }) => model).join(', ')}`)
}

function revocableFrom(text: string): Revocable {
  const [kind = '', value = ''] = text.split(':')
  if (!Object.hasOwn(revocable, kind) || !/^[0-9a-f]+$/.test(value)) throw new Wrong(`--revoke ${text} is no KIND:HEX`)
  const bytes = fromHex(value)
  const wanted = revocable[kind as RevocableKind]
  if (bytes.length !== wanted) throw new Wrong(`--revoke ${kind} takes ${wanted} bytes, not ${bytes.length}`)
  return { kind: kind as RevocableKind, value: bytes }
}

async function stamp(files: readonly string[], options: { sequence?: string; hours?: string; revoke?: string[] }) {
  const [registryFile, keyFile, out] = needs(files, 3)
  const { body } = decoded(SignedRegistry, registryFile)
  const { network, stampKey } = decodeRegistry(body)
  const key = await keyIn(keyFile)
  if (hex(key.publicKey) !== hex(stampKey))
    throw new Wrong('this key is not the stamp key that the registry statement names')
  const hours = Number(options.hours ?? 48)
  if (!/^\d{1,9}$/.test(options.sequence ?? '')) throw new Wrong('--sequence is a whole number, above the last one')
  if (!(hours > 0 && hours * 3600 <= MAX_STAMP_SECONDS)) throw new Wrong('--hours is at most 48')
  const issued = Math.floor(Date.now() / 1000)
  const content: Stamp = {
    version: 1,
    network,
    registry: await registryDigest(body),
    sequence: Number(options.sequence),
    issued,
    expires: issued + hours * 3600,
    revoked: (options.revoke ?? []).map(revocableFrom),
  }
  writeFileSync(out, encodeCbor(await signStamp(content, key)))
  console.log(`stamp     ${content.sequence}, ${content.revoked.length} taken back, ${hours} hours`)
}

function needs(files: readonly string[], count: number): [string, string, string] {
  if (files.length !== count) throw new Wrong(usage)
  const [a = '', b = '', c = ''] = files
  return [a, b, c]
}

function make(files: readonly string[]): Promise<void> {
  const [text, out] = needs(files, 2)
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(read(text)), reviveBytes)
  } catch (cause) {
    throw cause instanceof Wrong ? cause : new Wrong(`${text} is not JSON`, { cause })
  }
  const body = encodeCbor(json)
  try {
    decodeRegistry(body)
  } catch (cause) {
    throw new Wrong(
      `${text} is no registry statement: ${cause instanceof CocoonError ? cause.message : 'unreadable'}`,
      { cause },
    )
  }
  writeFileSync(out, body)
  return printRegistry(body)
}

async function run(): Promise<void> {
  const many = { type: 'string', multiple: true } as const
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { sequence: { type: 'string' }, hours: { type: 'string' }, revoke: many, help: { type: 'boolean' } },
  })
  const [command, ...files] = positionals
  if (values.help) return console.log(usage)
  switch (command) {
    case 'keygen': {
      const [out] = needs(files, 1)
      const seed = crypto.getRandomValues(new Uint8Array(32))
      writeFileSync(out, `${hex(seed)}\n`, { mode: 0o600, flag: 'wx' })
      return console.log(`public    ${hex((await createSigner(seed)).publicKey)}`)
    }
    case 'make':
      return make(files)
    case 'sign': {
      const [bodyFile, keyFile, out] = needs(files, 3)
      const body = read(bodyFile)
      await printRegistry(body)
      writeFileSync(out, encodeCbor(await signAsOwner(body, await keyIn(keyFile))))
      return undefined
    }
    case 'join': {
      const [bodyFile, ...rest] = files
      const out = rest.pop()
      if (!bodyFile || !out || rest.length === 0) throw new Wrong(usage)
      const signatures = rest.map((file) => decoded(OwnerSignature, file))
      writeFileSync(out, encodeCbor({ body: read(bodyFile), signatures } satisfies SignedRegistry))
      return console.log(`signed    by ${signatures.map(({ key }) => hex(key).slice(0, 16)).join(', ')}`)
    }
    case 'stamp':
      return stamp(files, values)
    case 'publish': {
      const [registryFile, stampFile, out] = needs(files, 3)
      const standing = { registry: decoded(SignedRegistry, registryFile), stamp: decoded(SignedStamp, stampFile) }
      return writeFileSync(out, encodeStanding(standing))
    }
    case 'show': {
      const { registry, stamp: signed } = decodeStanding(read(needs(files, 1)[0]))
      await printRegistry(registry.body)
      return console.log(
        readable({ registry: decodeRegistry(registry.body), stamp: decodeCbor(Stamp, signed.body, 2 ** 18) }),
      )
    }
    default:
      throw new Wrong(usage)
  }
}

run().catch((error: unknown) => {
  const expected = error instanceof Wrong || error instanceof CocoonError || error instanceof TypeError
  console.error(expected || (error instanceof Error && 'code' in error) ? `owners: ${(error as Error).message}` : error)
  process.exit(2)
})
