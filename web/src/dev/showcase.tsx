// For looking at states: showcase.html?state=…&theme=dark|light&language=ru; state=components shows the design system. Development only; not an input of the production build.
import '../look/look.css'
import { CocoonError, type ErrorCode } from '@cocoon/protocol'
import { createRoot } from 'react-dom/client'
import { App } from '../app.tsx'
import { Chat } from '../chat.ts'
import { watchKeyboard } from '../keyboard.ts'
import '../look/page.css'
import { loadMarkdown } from '../prose.tsx'
import { startTelegram } from '../telegram.ts'
import { applyTheme, themeOf } from '../theme.ts'
import { languageOf, speak } from '../words/words.ts'
import { Components } from './components.tsx'
import { demoModel, done, opening, privateNode, says, type Scene, ScriptedAsking, streamed } from './scripted-asking.ts'

const runway = `About **13 months** at a flat burn. If spending grows 3% a month, it is closer to **11**:

\`\`\`python
def runway(cash, burn, growth=0.0):
    months = 0
    while cash > burn:
        cash -= burn
        burn *= 1 + growth  # per month
        months += 1
    return months
\`\`\``
const cut =
  'Then the burn drops to 9k and the same money lasts **26 months**. Two things to weigh before you decide: severance usually'
const everything = `## What stays private

1. Your question is **sealed on this device**.
2. The broker passes on *ciphertext* and sees sizes only:
   - who asks
   - which \`model\`, and when
3. One machine opens it.

| Who | Sees the words | Sees the time |
|:--|:--:|--:|
| Broker | no | yes |
| Machine | yes | yes |

> The seal is made anew for every question.

See [the specification](https://cocoon.example/spec) and press <kbd>Enter</kbd>. ![a picture](https://tracker.example/x.png)

- [x] sealed
- [ ] read by anyone else`
const questions = [
  'How many months do we have with 240k left, burning 18k?',
  'And if we cut two salaries, 9k together?',
]

const params = new URLSearchParams(location.search)
const state = params.get('state') ?? 'empty'
const attested = params.has('attested')
const machine = attested ? privateNode : undefined
const answered: Scene = [...opening(machine), says(runway), done(attested ? 2_100_000n : 0n)]
const code = (params.get('code') ?? 'engine-failed') as ErrorCode
const scenes: Record<string, [Scene[], string[]]> = {
  empty: [[[...opening(machine), ...streamed(everything, 40), done()]], []],
  matching: [[[{ type: 'matching' }, 'forever']], questions.slice(0, 1)],
  waiting: [
    [[{ type: 'matching' }, { type: 'waiting', code: 'all-busy', retryAfterMs: 4000 }, 'forever']],
    questions.slice(0, 1),
  ],
  sealed: [[[...opening(machine), 'forever']], questions.slice(0, 1)],
  streaming: [[answered, [...opening(machine), says(cut), 'forever']], questions],
  live: [[[...opening(machine), ...streamed(`${everything}\n\n${runway}`, 60), done()]], questions.slice(0, 1)],
  answer: [[answered, [...opening(machine), says(everything), done()]], questions],
  development: [[answered, [...opening(), says(cut), done()]], questions],
  stopped: [[answered, [...opening(machine), says(cut), done(0n, 'cancelled')]], questions],
  lost: [[answered, [...opening(machine), { type: 'lost' }, 'forever']], questions],
  resumed: [
    [[...opening(machine), says(cut), { type: 'lost' }, { type: 'resumed' }, 'forever']],
    questions.slice(0, 1),
  ],
  failed: [[answered, [...opening(machine), says(cut), new CocoonError(code, 'as the script says')]], questions],
  unsent: [[answered, [{ type: 'matching' }, new CocoonError(code, 'as the script says')]], questions],
  thinking: [
    [[...opening(machine), { type: 'delta', text: '', reasoning: 'Burn 18k, cash 240k.' }, 'forever']],
    questions.slice(0, 1),
  ],
  refused: [
    [
      [
        { type: 'matching' },
        { type: 'checking', nodeId: 'ab'.repeat(32) },
        new CocoonError('not-attested', 'scripted'),
      ],
    ],
    ['Here is my contract with the clinic. What did I agree to in section 4?'],
  ],
}

const telegram = startTelegram()
const theme = () => {
  const chosen = params.get('theme')
  return themeOf(telegram.theme(), chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches)
}
const dress = () => applyTheme(theme())
dress()
telegram.onTheme(dress)
watchKeyboard()

sessionStorage.clear()
const [played, asked] = scenes[state] ?? [[], []]
const asking = new ScriptedAsking(played, !attested)
asking.left = { ...asking.left, left: Number(params.get('left') ?? 9) }
asking.served = [
  demoModel,
  { ...demoModel, id: 'qwen', name: 'Qwen3 235B', about: 'Thinks hard, writes well', context: 131_072, free: 3 },
  { ...demoModel, id: 'gemma', name: 'Gemma 3 27B', about: 'Quick everyday answers', nodes: 0, free: 0, price: null },
]
const chat = new Chat(() => Promise.resolve(asking), !attested)
const root = document.getElementById('root')
await Promise.all([speak(languageOf(params.get('language'))), loadMarkdown()])
if (root) {
  const screen = state === 'components' ? <Components theme={theme()} /> : <App chat={chat} telegram={telegram} />
  createRoot(root).render(screen)
}
if (state === 'components') document.body.classList.add('grouped')
await chat.open()
for (const question of asked) {
  chat.write(question)
  chat.send()
  await new Promise((resolve) => setTimeout(resolve, 30))
}
if (params.has('offline')) chat.setOnline(false)
