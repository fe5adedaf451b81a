"""The page of a notebook: how to make one, and what is where on it."""

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
CELL = ".jp-Cell"
OUTPUT = ".jp-OutputArea-output"
