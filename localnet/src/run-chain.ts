// The development chain in a process of its own: emulating a transaction takes tens of milliseconds and blocks everything.
// ANNOUNCE: JSON of digest (hex) and sequence of the registry statement that its Registry announces. PORT: 0 takes a free one. PACE: instant, manual, or milliseconds a block.
import { fromHex } from '@cocoon/protocol'
import { type Announcement, Chain, deploy, type Pace, serveChain } from './chain/index.ts'
import { announce, stopWith } from './child.ts'

const { PORT = '0', PACE = '2000', ANNOUNCE = '' } = process.env

function paceFrom(text: string): Pace {
  if (text === 'instant' || text === 'manual') return text
  const milliseconds = Number(text)
  if (Number.isInteger(milliseconds) && milliseconds >= 10) return milliseconds
  throw new Error(`PACE is instant, manual, or milliseconds a block (at least 10), not ${text}`)
}

function announcementFrom(text: string): Announcement | undefined {
  if (text === '') return undefined
  const { digest, sequence } = JSON.parse(text) as { digest: string; sequence: number }
  return { digest: fromHex(digest), sequence: BigInt(sequence) }
}

const chain = await Chain.create({ pace: 'instant' })
const server = await serveChain(chain, await deploy(chain, announcementFrom(ANNOUNCE)), Number(PORT))
chain.setPace(paceFrom(PACE))
stopWith(() => server.close())
announce(server.origin)
if (!process.send) console.log(`chain ${server.origin}/api/v2/jsonRPC`)
