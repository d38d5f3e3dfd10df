import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import {
  type Bytes,
  createPrekey,
  createSigner,
  hex,
  limits,
  type NetworkName,
  networks,
  PROTOCOL_VERSION,
  type SignedStatement,
  type Signer,
  signStatement,
} from '@cocoon/protocol'
import { encodeCollateral, writeProof } from '@cocoon/protocol/appraisal'
import * as v from 'valibot'
import { openAttestation } from './attesters/attestation.ts'
import { AttestationError } from './attesters/attester.ts'
import type { MadeEvidence } from './attesters/evidence-maker.ts'
import { attestationSettings } from './attesters/settings.ts'
import { readable, writeWorkload } from './attesters/workload-file.ts'
import { PREKEY_LIFETIME } from './prekeys.ts'

const Settings = v.object({
  ...attestationSettings,
  network: v.optional(v.picklist(Object.keys(networks) as NetworkName[], 'is a network that is known'), 'mainnet'),
  /** The files' common beginning: `evidence` makes evidence.cbor, evidence.claims.json and so on. */
  out: v.optional(v.pipe(v.string(), v.minLength(1, 'is the beginning of the files to write')), 'evidence'),
})
type EvidenceSettings = v.InferOutput<typeof Settings>

export interface EvidenceCommand {
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly print: (line: string) => void
}

/**
 * `worker-node evidence`: what this machine can show of itself now, in files for people and for `client verify`. It speaks
 * for an identity of its own, which ends with it: a running node keeps its key to itself.
 *
 * @throws AttestationError
 */
export async function evidenceCommand({ args, environment, now, print }: EvidenceCommand): Promise<void> {
  const settings = readSettings(args, environment)
  const signer = await createSigner()
  const network = networks[settings.network]
  const attestation = await openAttestation(settings, { network, identity: signer.publicKey, now })
  if (!attestation) {
    const what = 'this machine is set to show nothing: add --attester configfs on a TDX or SEV-SNP machine'
    throw new AttestationError('setting-wrong', what)
  }
  const made = await attestation.make()
  const files: [end: string, content: Bytes | string][] = [
    ['cbor', made.bytes],
    ['claims.json', claimsText(made)],
    ['workload.json', await writeWorkload(attestation.workload)],
  ]
  const collateral = made.collateral && encodeCollateral(made.collateral)
  if (collateral) files.push(['collateral.cbor', collateral])
  const statement = await statementOver(made, signer, network, now())
  const at = Math.floor(now() / 1000)
  files.push([
    'json',
    writeProof({ network, statement, evidence: made.bytes, collateral, standing: null, seen: null, at }),
  ])
  for (const [end, content] of files) {
    const path = `${settings.out}.${end}`
    await writeFile(path, content).catch((cause: unknown) => {
      throw new AttestationError('setting-wrong', `--out: ${path} cannot be written`, { cause })
    })
    print(`wrote   ${path}`)
  }
  print(`digest  ${hex(made.digest)}`)
}

function readSettings(args: readonly string[], environment: EvidenceCommand['environment']): EvidenceSettings {
  const names = Object.keys(Settings.entries)
  const values: Record<string, unknown> = {}
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
    const flags = parseArgs({ args: [...args], options, strict: true }).values
    for (const name of names) {
      const value = flags[name] ?? environment[`COCOON_${name.toUpperCase().replaceAll('-', '_')}`]
      if (value !== undefined) values[name] = value
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown flag'
    const flags = names.map((name) => `--${name}`).join(' ')
    throw new AttestationError('setting-wrong', `${why}\nFlags: ${flags}`, { cause })
  }
  const result = v.safeParse(Settings, values)
  if (result.success) return result.output
  const [issue] = result.issues
  throw new AttestationError('setting-wrong', `--${v.getDotPath(issue) ?? 'settings'}: ${issue.message}`)
}

function claimsText({ claims, evidence, digest, register, collateral }: MadeEvidence): string {
  const { notBefore, notAfter, ...rest } = claims
  const date = (seconds: number) => new Date(seconds * 1000).toISOString()
  const text = {
    evidence: hex(digest),
    tee: evidence.tee,
    gpus: evidence.gpu.length,
    rtmr3: register,
    collateral: collateral !== null,
    claims: { ...rest, notBefore: date(notBefore), notAfter: date(notAfter) },
  }
  return `${JSON.stringify(readable(text), null, 2)}\n`
}

/** A device appraises evidence under a statement. This one offers a prekey that nobody holds: nothing sealed to it opens. */
async function statementOver(
  made: MadeEvidence,
  signer: Signer,
  network: number,
  now: number,
): Promise<SignedStatement> {
  const prekey = await createPrekey()
  const notBefore = Math.floor(now / 1000)
  return signStatement(
    {
      version: PROTOCOL_VERSION,
      network,
      identity: signer.publicKey,
      prekey: prekey.publicKey,
      notBefore,
      useBy: notBefore + PREKEY_LIFETIME / 1000,
      evidence: made.digest,
      payee: null,
      offers: made.claims.workload.models.map(({ model }) => ({
        model,
        context: 1,
        maxOutput: 1,
        price: { prompt: 0n, cached: 0n, completion: 0n, reasoning: 0n },
      })),
      limits: { request: limits.request, seconds: 1 },
    },
    signer,
  )
}
