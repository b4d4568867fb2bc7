// Passkeys need the browser's help. Where it has none the forms stay hidden.
(() => {
  'use strict'
  const key = window.PublicKeyCredential
  if (!key || !key.parseCreationOptionsFromJSON || !key.parseRequestOptionsFromJSON) return
  const ask = {
    register: options => navigator.credentials.create({publicKey: key.parseCreationOptionsFromJSON(options)}),
    login: options => navigator.credentials.get({publicKey: key.parseRequestOptionsFromJSON(options)}),
  }
  const texts = {
    NotAllowedError: 'Nothing was done: it was cancelled, took too long, or there is no passkey for this server here.',
    InvalidStateError: 'This device has a passkey of yours already.',
    TypeError: 'The server could not be reached. Try again.',
  }
  async function answer(form) {
    const res = await fetch(form.getAttribute('action') + '/begin', {method: 'POST'})
    const body = await res.json()
    if (!res.ok) throw new Error(body.error.message)
    return JSON.stringify(await ask[form.dataset.passkey](body.data))
  }
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    const button = form.querySelector('button')
    const problem = form.querySelector('[role=alert]')
    form.addEventListener('submit', async event => {
      event.preventDefault()
      problem.hidden = true
      button.disabled = true
      try {
        form.elements.answer.value = await answer(form)
        form.submit()
      } catch (e) {
        problem.textContent = texts[e.name] || e.message
        problem.hidden = false
      }
      button.disabled = false
    })
    form.hidden = false
  }
})()
