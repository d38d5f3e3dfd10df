import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { type Bytes, fromHex, hex } from '@cocoon/protocol'
import { Workload, workloadDigest } from '@cocoon/protocol/appraisal'
import { AttestationError } from './attester.ts'

/** Far more than the 16 KiB that claims may have. */
const MAX_FILE = 256 * 1024

const digest = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/, '64 hex digits, lower case'),
  v.transform((text): Bytes => fromHex(text)),
)
const WorkloadText = v.pipe(
  v.object({
    engine: v.strictObject({ image: digest, arguments: v.array(v.string()) }),
    models: v.array(v.strictObject({ model: v.string(), root: digest })),
    policy: digest,
    /** What the image's init extends RTMR3 with. It follows from the rest, and is compared where it stands. */
    digest: v.optional(v.string()),
  }),
  v.transform(({ digest: stated = null, ...workload }) => ({ stated, workload })),
  v.object({ stated: v.nullable(v.string()), workload: Workload }),
)

/**
 * A workload as an image keeps it beside the node: JSON, digests in hex.
 *
 * @throws AttestationError `setting-wrong`
 */
export async function readWorkload(text: string): Promise<Workload> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new AttestationError('setting-wrong', 'the workload file is no JSON', { cause })
  }
  const result = v.safeParse(WorkloadText, json)
  if (!result.success) {
    const [issue] = result.issues
    const where = v.getDotPath(issue) ?? 'as a whole'
    throw new AttestationError('setting-wrong', `the workload file: ${where}: ${issue.message}`)
  }
  const { stated, workload } = result.output
  if (stated === null || stated === hex(await workloadDigest(workload))) return workload
  const what = 'the workload file: its digest is of another workload. Take the digest out, or the change back'
  throw new AttestationError('setting-wrong', what)
}

/** @throws AttestationError `setting-wrong` */
export async function readWorkloadFile(path: string): Promise<Workload> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new AttestationError('setting-wrong', `--workload: ${path} cannot be read`, { cause })
  }
  if (text.length > MAX_FILE) throw new AttestationError('setting-wrong', `--workload: ${path} is no workload`)
  return readWorkload(text)
}

/** The same for people, with the digest that the image's init extends RTMR3 with. */
export async function writeWorkload(workload: Workload): Promise<string> {
  return `${JSON.stringify({ ...(readable(workload) as object), digest: hex(await workloadDigest(workload)) }, null, 2)}\n`
}

/** Values of the protocol as JSON has them: bytes in hex. For people to read, never to be read back. */
export function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value)
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(readable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, readable(inner)]))
}
