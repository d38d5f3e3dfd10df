import { CocoonError } from '@cocoon/protocol'
import { standingCarrier } from './attestation/node-attestation.ts'
import { logFault } from './log.ts'
import { type Settings, settingsOf } from './settings.ts'

export interface Readiness {
  readonly ready: boolean
  /** What keeps questions from being answered, in words for whoever runs this broker. */
  readonly missing: readonly string[]
  /** Nodes that serve each model now, in all regions. None is no fault of the broker. */
  readonly nodes: Readonly<Record<string, number>>
}

/** Whether this broker could serve: its settings parse, and the matcher of every model and region answers. */
export async function readiness(env: Env): Promise<Readiness> {
  let settings: Settings
  try {
    settings = settingsOf(env)
  } catch (error) {
    // The message names the setting, and shows no value.
    return { ready: false, missing: [error instanceof CocoonError ? error.message : 'settings'], nodes: {} }
  }
  const missing: string[] = [...(await standingMissing(env, settings)), ...modelsMissing(settings)]
  const nodes: Record<string, number> = {}
  const places = settings.MODELS.flatMap(({ id }) => settings.REGIONS.map((region) => ({ id, region })))
  await Promise.all(
    places.map(async ({ id, region }) => {
      try {
        const summary = await env.MATCHER.getByName(`${id}|${region}`).summary()
        nodes[id] = (nodes[id] ?? 0) + summary.nodes
      } catch (error) {
        logFault('ready.fault', error, { model: id, region })
        missing.push(`the matcher of ${id} in ${region} does not answer`)
      }
    }),
  )
  return { ready: missing.length === 0, missing, nodes }
}

const modelsMissing = ({ MODELS }: Settings): string[] => (MODELS.length === 0 ? ['setting MODELS lists no model'] : [])

/** Without the owners' word private nodes are not admitted, or soon not any more. */
async function standingMissing(env: Env, settings: Settings): Promise<string[]> {
  if (settings.REGISTRY_SOURCE === null) return []
  try {
    const { fault } = await standingCarrier(env).current()
    return fault === null ? [] : [`the registry statement at REGISTRY_SOURCE is not usable: ${fault}`]
  } catch (error) {
    logFault('ready.fault', error)
    return ['the carrier of the registry statement does not answer']
  }
}
