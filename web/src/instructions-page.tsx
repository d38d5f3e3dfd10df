import { useCallback, useEffect, useState } from 'react'
import { Page } from './page.tsx'
import type { PageProps } from './pages.tsx'
import { goBack } from './place.ts'
import { words } from './words/words.ts'

/** What every answer should heed, in the person's own words. */
export function InstructionsPage({ chat, telegram }: PageProps) {
  const [text, setText] = useState(() => chat.history?.instructions() ?? '')
  const save = useCallback(() => {
    chat.history?.setInstructions(text.trim())
    telegram.touch('success')
    goBack()
  }, [chat, telegram, text])
  useEffect(() => telegram.mainButton(words.save, save), [telegram, save])
  return (
    <Page title={words.settings.instructions} telegram={telegram}>
      <p className="foot">{words.settings.instructionsText}</p>
      <textarea
        className="text-input"
        aria-label={words.settings.instructionsLabel}
        dir="auto"
        rows={6}
        maxLength={4000}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {!telegram.hasMainButton && (
        <button type="button" className="button" disabled={!chat.history} onClick={save}>
          {words.save}
        </button>
      )}
    </Page>
  )
}
