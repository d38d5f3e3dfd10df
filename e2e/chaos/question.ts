import type { Client } from '@cocoon/client'
import { DEMO_MODEL } from '@cocoon/localnet'
import type { SeededRandom } from './seeded-random.ts'

/** What is asked, and the one right answer to it. */
export interface Question {
  readonly text: string
  readonly answer: string
  /** Tokens of the answer. */
  readonly tokens: number
}

const STORY = 'Tell me a long story about a silkworm'
/** More words the small model does not repeat well. */
const WORDS = 5
const TRIES = 8

/** What a client asks quietly and reads to its end; throws what goes wrong. */
export async function askQuietly(client: Client, text: string): Promise<Question> {
  let answer = ''
  for await (const event of client.ask(requestOf(text))) {
    if (event.type === 'delta') answer += event.text
    if (event.type === 'done') return { text, answer, tokens: event.usage.completion }
  }
  throw new Error('the events ended without an end')
}

/** Longer than any right answer; where the small model loses its thread it would go on for minutes. */
const MAX_TOKENS = 400

export function requestOf(text: string) {
  const messages = [{ role: 'user' as const, content: text }]
  return { model: DEMO_MODEL.id, messages, temperature: 0, maxTokens: MAX_TOKENS }
}

/** One answer of many frames, the same for everybody. */
export async function learnStory(client: Client): Promise<Question> {
  const [story, again] = [await askQuietly(client, STORY), await askQuietly(client, STORY)]
  if (story.answer !== again.answer || story.answer.length < 1000) throw new Error('the story is not told twice alike')
  return story
}

/**
 * A question nobody else asks: words of its own, which the model gives back. Asked before the storm, so that the right
 * answer is what the system itself says when nothing is wrong; words that the small model does not copy are not used.
 */
export async function learnWords(client: Client, random: SeededRandom): Promise<Question> {
  for (let tries = 0; tries < TRIES; tries++) {
    const words = Array.from({ length: WORDS }, () => random.word(6 + random.below(4))).join(' ')
    const question = await askQuietly(client, `Repeat these words: ${words}`)
    if (question.answer === words) return question
  }
  throw new Error(`the model repeated none of ${TRIES} lists of words`)
}
