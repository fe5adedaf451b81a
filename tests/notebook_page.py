"""The page of a notebook: how to make one, and what is where on it."""

from firefox import ENTER, Firefox

# A notebook with one cell, made by the page of the files as its menu would; its path.
NEW = """async (source) => {
    const token = document.cookie.match('_xsrf=([^;]*)')[1];
    const call = (method, path, body) => fetch(path, {method, body: JSON.stringify(body), headers: {
        'X-XSRFToken': token, 'Content-Type': 'application/json'}}).then(answer => answer.json());
    const made = await call('POST', '/api/contents', {type: 'notebook'});
    const cell = {cell_type: 'code', source, metadata: {}, outputs: [], execution_count: null, id: 'plot'};
    const kernel = {kernelspec: {name: 'nbserver', display_name: 'Python 3 (nbserver: geo)', language: 'python'}};
    await call('PUT', '/api/contents/' + made.path,
        {type: 'notebook', content: {cells: [cell], metadata: kernel, nbformat: 4, nbformat_minor: 5}});
    return made.path; }"""
# The kernel's status as the page shows it once there is a connection; before, the other one says "idle" for a moment.
CONNECTED = ".jp-NotebookKernelStatus-fade:not(.jp-NotebookKernelStatus-info)"
STATUS = ".jp-Notebook-ExecutionIndicator"
CODE = "import matplotlib.pyplot as plt\nprint(6 * 7)\n_ = plt.plot([1, 4, 9, 16])"
CELL = ".jp-Cell"
OUTPUT = ".jp-OutputArea-output"


def firefox_runs(fox: Firefox, url: str, password: str) -> None:
    """Logs in, and runs that cell, in a page with nothing wrong with its certificate."""
    assert fox.refuses(url) == ""
    fox.evaluate("word => { document.querySelector('#password_input').value = word }", password)
    fox.evaluate("() => document.querySelector('#login_submit').click()")
    fox.wait_for("location.pathname.startsWith('/tree')")
    assert fox.refuses(f"{url}/notebooks/{fox.evaluate(NEW, CODE)}") == ""
    fox.wait_for(f"document.querySelector('{CONNECTED}')")
    fox.wait_for(f"document.querySelector('{STATUS}').dataset.status == 'idle'")
    fox.evaluate(f"() => document.querySelector('{CELL} .cm-content').focus()")
    fox.press(ENTER, shift=True)
    fox.wait_for(f"document.querySelector('{OUTPUT}')?.textContent.includes('42')")
    fox.wait_for(f"document.querySelector('{OUTPUT} img')?.complete")
    assert fox.evaluate("() => isSecureContext")
