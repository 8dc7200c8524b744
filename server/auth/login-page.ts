const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** The form that asks for the token or the password. */
export function loginPage(options: {
  /** Address that the form is sent to. */
  action: string;
  xsrf: string;
  /** Lets the page's own style through its policy. */
  nonce: string;
  takesPassword: boolean;
  /** What was wrong with the last try; empty at first. */
  problem: string;
}): string {
  const { action, xsrf, nonce, takesPassword, problem } = options;
  const label = takesPassword
    ? "Password, or the token that was printed where the server was started"
    : "Token, as printed where the server was started";
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>CIR Lab: log in</title>
<style nonce="${nonce}">
  :root { color-scheme: light dark; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 12vh auto; padding: 0 1rem; }
  input, button { font: inherit; padding: .4rem .6rem; }
  input { width: 100%; box-sizing: border-box; margin: .5rem 0 1rem; }
  .problem { color: #c62828; }
  @media (prefers-color-scheme: dark) { .problem { color: #ff8a80; } }
</style>
<h1>CIR Lab</h1>
<form method="post" action="${escapeHtml(action)}">
  <input type="hidden" name="_xsrf" value="${escapeHtml(xsrf)}">
  <label>${label}
    <input type="password" name="password" autofocus autocomplete="current-password" required></label>
  ${problem ? `<p class="problem" role="alert">${escapeHtml(problem)}</p>` : ""}
  <button>Log in</button>
</form>
</html>
`;
}
