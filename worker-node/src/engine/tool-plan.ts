import type { Llama, LlamaGrammar } from 'node-llama-cpp'
import { callGrammar } from './answer-grammar.ts'
import type { ChatMessage, ChatRequest } from './chat-request.ts'
import { EngineError } from './engine.ts'
import { CALL_CLOSE, CALL_OPEN } from './tool-call-text.ts'

type Tools = NonNullable<ChatRequest['tools']>
type Call = NonNullable<Extract<ChatMessage, { role: 'assistant' }>['tool_calls']>[number]

/** How a model is told of tools, and held to them. */
export interface ToolPlan {
  /** For the system message. */
  readonly instructions: string
  /** The answer is one call, and nothing else. */
  readonly forced: boolean
  /** What stands between the marks of a call. */
  readonly grammar: LlamaGrammar
}

/**
 * The tools of a request, in the words that Hermes and Qwen models were trained on; undefined when none may be called.
 * Every other model is told in the same words, and whatever it writes between the marks is held to a grammar.
 *
 * @throws EngineError `bad-request` for strict parameters that the grammar cannot promise, or a choice that is none
 */
export async function toolPlan(llama: Llama, request: ChatRequest): Promise<ToolPlan | undefined> {
  const { tools = [], tool_choice: choice = 'auto', response_format: format } = request
  if (choice === 'none' || (tools.length === 0 && choice === 'auto')) return undefined
  const callable =
    typeof choice === 'string' ? tools : tools.filter((tool) => tool.function.name === choice.function.name)
  if (callable.length === 0) throw new EngineError('bad-request', 'tool_choice: no such tool is among the tools')
  const forced = choice !== 'auto'
  if (!forced && format && format.type !== 'text') {
    const how = 'the embedded engine holds an answer to a schema, or lets the model choose to call a tool, not both'
    throw new EngineError('bad-request', `response_format: ${how}`)
  }
  return { instructions: instructionsFor(callable), forced, grammar: await callGrammar(llama, callable) }
}

function instructionsFor(tools: Tools): string {
  const signatures = tools.map(({ function: { name, description, parameters } }) =>
    JSON.stringify({ type: 'function', function: { name, description, parameters } }),
  )
  return `# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
${signatures.join('\n')}
</tools>

For each function call, return a json object with function name and arguments within ${CALL_OPEN}${CALL_CLOSE} XML tags:
${CALL_OPEN}
{"name": <function-name>, "arguments": <args-json-object>}
${CALL_CLOSE}`
}

/** The messages with the instructions at the end of the system message, where these models look for them. */
export function withInstructions(messages: readonly ChatMessage[], instructions: string): readonly ChatMessage[] {
  const [first, ...rest] = messages
  if (first?.role !== 'system' && first?.role !== 'developer') {
    return [{ role: 'system', content: instructions }, ...messages]
  }
  const { content } = first
  const text = { type: 'text' as const, text: `\n\n${instructions}` }
  return [{ ...first, content: typeof content === 'string' ? content + text.text : [...content, text] }, ...rest]
}

/** A call of an earlier turn, as the model wrote it. */
export function callText({ function: { name, arguments: written } }: Call): string {
  return `${CALL_OPEN}\n{"name": ${JSON.stringify(name)}, "arguments": ${written || '{}'}}\n${CALL_CLOSE}`
}

export function resultText(result: string): string {
  return `<tool_response>\n${result}\n</tool_response>`
}
