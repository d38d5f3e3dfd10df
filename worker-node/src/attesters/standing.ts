import type { Workload } from '@cocoon/protocol/appraisal'

/** What of a node's settings decides whether it is private. */
export interface StandingSettings {
  /** Null for a node that shows no evidence. */
  readonly workload: Workload | null
  /** The models it offers. */
  readonly models: readonly string[]
  /** `embedded`: inside the daemon's own process. */
  readonly engine: 'embedded' | 'openai'
  /** Of an `openai` engine: `unix:/run/engine.sock`, or an address. */
  readonly engineUrl?: string | undefined
}

/** A private node runs daemon, engine and model in one measured image; anything else is an open node, and says why. */
export type NodeStanding = { readonly standing: 'private' } | { readonly standing: 'open'; readonly why: string }

const SOCKET = /^unix:(\/[^?#]+)$/

/**
 * What these settings make of a node. The hardware vouches for the workload alone: an engine that is not in it could be
 * anything and could be anywhere, a port of this machine included, which may lead out of it.
 */
export function standingOf({ workload, models, engine, engineUrl }: StandingSettings): NodeStanding {
  const open = (why: string): NodeStanding => ({ standing: 'open', why })
  if (!workload) return open('it shows no evidence (--attester none)')
  const listed = new Set(workload.models.map(({ model }) => model))
  const stranger = models.find((model) => !listed.has(model))
  if (stranger !== undefined) return open(`the workload has no model ${stranger}`)
  if (engine === 'embedded') return { standing: 'private' }
  const socket = SOCKET.exec(engineUrl ?? '')?.[1]
  if (socket === undefined) return open('its engine is at an address, not at a socket of the measured image')
  if (workload.engine.arguments.some((argument) => names(argument, socket))) return { standing: 'private' }
  return open(`the workload starts no engine at ${socket}`)
}

/** `--socket /run/engine.sock` or `--socket=/run/engine.sock`, with or without `unix:`; never a longer path. */
function names(argument: string, socket: string): boolean {
  const value = argument.slice(argument.startsWith('-') ? argument.indexOf('=') + 1 : 0)
  return value === socket || value === `unix:${socket}`
}
