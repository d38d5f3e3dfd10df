import * as v from 'valibot'
import { type Bytes, copy, equal, hex } from '@cocoon/protocol'
import { type GpuEvidence, MAX_GPUS } from '@cocoon/protocol/appraisal'
import { AttestationError } from './attester.ts'
import { runBounded } from './bounded-command.ts'
import type { GpuAttester } from './gpu.ts'

/** NVIDIA's own tool, of its attestation SDK (nvattest, command reference). Early versions know no `--format`. */
export const NVIDIA_COMMAND = [
  'nvattest',
  '--format',
  'json',
  'collect-evidence',
  '--device',
  'gpu',
  '--nonce',
  '{nonce}',
] as const
/** Sixteen reports and chains at their largest, in base64, and room for what else the tool says of each. */
const MAX_OUTPUT = 2 * 1024 * 1024
/** A GPU signs in a second or two; the tool asks all of them. */
const MILLISECONDS = 120_000
/** Of an SPDM 1.1 GET_MEASUREMENTS request (DSP0274): four bytes, then the nonce. */
const NONCE_OFFSET = 4
const NONCE_BYTES = 32

const base64 = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9+/\s]+={0,2}\s*$/),
  v.transform((text): Bytes => new Uint8Array(Buffer.from(text, 'base64'))),
)
/** Further fields (architecture, versions, the nonce in hex) are for NVIDIA's own verifier. */
const Item = v.object({ evidence: base64, certificate: base64 })
const Items = v.pipe(v.array(Item), v.minLength(1), v.maxLength(MAX_GPUS))
const Output = v.object({
  evidences: v.nullable(v.unknown()),
  result_code: v.optional(v.number()),
  result_message: v.optional(v.string()),
})
const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g

/**
 * Evidence of all GPUs as the tool prints it: `{"evidences": [{"evidence", "certificate", …}], "result_code": 0}`, or the
 * list alone, which is the form NVIDIA keeps in files. `evidence` is base64 of the SPDM request and response, `certificate`
 * base64 of a PEM chain, the GPU's own first.
 *
 * @throws AttestationError `gpu-evidence`
 */
export function readNvidiaOutput(text: string): GpuEvidence[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    const what = 'it printed no JSON: check the command (nvattest needs --format json since version 1.0)'
    throw wrong(what, cause)
  }
  const items = v.safeParse(Items, Array.isArray(json) ? json : listOf(json))
  if (!items.success) throw wrong(`it names no GPUs in a form that is known (${items.issues[0].message})`)
  return items.output.map(({ evidence, certificate }, i) => {
    const chain = certificatesOf(certificate)
    if (chain.length === 0) throw wrong(`GPU ${i} comes without a certificate`)
    return { report: evidence, chain }
  })
}

function listOf(json: unknown): unknown {
  const output = v.safeParse(Output, json)
  if (!output.success) throw wrong('it printed JSON of another form')
  const { evidences, result_code: code = 0, result_message: message = 'no reason given' } = output.output
  if (code !== 0)
    throw wrong(`it ended with ${code}, ${message.slice(0, 128)}: look at the driver and at nvidia-smi conf-compute`)
  return evidences
}

function certificatesOf(pem: Bytes): Bytes[] {
  const text = Buffer.from(pem).toString('latin1')
  return [...text.matchAll(PEM)].map(([, body = '']) => new Uint8Array(Buffer.from(body, 'base64')))
}

export interface NvidiaCommandOptions {
  /** Program and arguments; `{nonce}` stands for the nonce in hex, which comes on standard input where none has it. */
  readonly argv?: readonly string[]
  readonly milliseconds?: number
}

/**
 * GPUs through NVIDIA's tool. One run of it asks every GPU with the same nonce, and each of ours has its own: the tool runs
 * once for each GPU, and only that one's answer is kept.
 */
export class NvidiaCommand implements GpuAttester {
  readonly #argv: readonly string[]
  readonly #milliseconds: number

  constructor({ argv = NVIDIA_COMMAND, milliseconds = MILLISECONDS }: NvidiaCommandOptions = {}) {
    this.#argv = argv
    this.#milliseconds = milliseconds
  }

  async evidence(nonceOf: (index: number) => Promise<Bytes>): Promise<GpuEvidence[]> {
    const all = await this.#ask(await nonceOf(0), 0)
    const gpus = all.slice(0, 1)
    for (let index = 1; index < all.length; index += 1) {
      const again = await this.#ask(await nonceOf(index), index)
      if (again.length !== all.length) throw wrong(`it named ${all.length} GPUs, then ${again.length}`)
      gpus.push(...again.slice(index, index + 1))
    }
    const devices = new Set(gpus.map(({ chain }) => hex(chain[0] ?? new Uint8Array())))
    if (devices.size !== gpus.length) throw wrong('it named its GPUs in another order, or one of them twice')
    return gpus
  }

  /** Everything the tool said, once it is known that GPU `index` answered to this nonce. */
  async #ask(nonce: Bytes, index: number): Promise<GpuEvidence[]> {
    const output = await runBounded({
      argv: this.#argv,
      placeholder: '{nonce}',
      value: hex(nonce),
      maxBytes: MAX_OUTPUT,
      milliseconds: this.#milliseconds,
    })
    const gpus = readNvidiaOutput(output)
    const report = gpus[index]?.report
    const asked = report && copy(report.subarray(NONCE_OFFSET, NONCE_OFFSET + NONCE_BYTES))
    if (asked && !equal(asked, nonce)) throw wrong(`GPU ${index} answered to another nonce than it was asked with`)
    return gpus
  }
}

function wrong(what: string, cause?: unknown): AttestationError {
  const message = `the GPU command's answer cannot be used: ${what}`
  return new AttestationError('gpu-evidence', message, cause === undefined ? {} : { cause })
}
