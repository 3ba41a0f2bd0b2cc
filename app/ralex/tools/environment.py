"""The environment of shell commands: what programs need to work, and nothing that opens a door."""

from collections.abc import Mapping

_ALLOWED = frozenset(
    """
    PATH HOME USER LOGNAME SHELL LANG LANGUAGE TERM TMPDIR TMP TEMP TZ TZDIR PWD HOSTNAME
    COLUMNS LINES EDITOR MANPATH XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME
    XDG_RUNTIME_DIR SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
    NODE_EXTRA_CA_CERTS VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV PYTHONPATH PYTHONHOME
    PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED PYENV_ROOT PYENV_VERSION POETRY_HOME PIPX_HOME
    UV_CACHE_DIR UV_PYTHON JAVA_HOME JDK_HOME MAVEN_HOME M2_HOME GRADLE_HOME GRADLE_USER_HOME
    ANDROID_HOME ANDROID_SDK_ROOT GOPATH GOROOT GOBIN GOCACHE GOMODCACHE GOFLAGS CARGO_HOME
    CARGO_TARGET_DIR RUSTUP_HOME RUSTUP_TOOLCHAIN NODE_PATH NODE_ENV NVM_DIR NVM_BIN VOLTA_HOME
    FNM_DIR PNPM_HOME BUN_INSTALL DENO_DIR COREPACK_HOME RBENV_ROOT RBENV_VERSION GEM_HOME
    GEM_PATH BUNDLE_PATH COMPOSER_HOME DOTNET_ROOT NUGET_PACKAGES MIX_HOME HEX_HOME STACK_ROOT
    GHCUP_INSTALL_BASE_PREFIX OPAMROOT OPAM_SWITCH_PREFIX CAML_LD_LIBRARY_PATH
    OCAML_TOPLEVEL_PATH LD_LIBRARY_PATH DYLD_LIBRARY_PATH LIBRARY_PATH CPATH C_INCLUDE_PATH
    CPLUS_INCLUDE_PATH PKG_CONFIG_PATH CC CXX CFLAGS CXXFLAGS LDFLAGS MAKEFLAGS
    CMAKE_PREFIX_PATH ASDF_DIR ASDF_DATA_DIR MISE_DATA_DIR SDKMAN_DIR HOMEBREW_PREFIX
    HOMEBREW_CELLAR HOMEBREW_REPOSITORY NIX_PATH NIX_PROFILES NIX_SSL_CERT_FILE CUDA_HOME
    CUDA_VISIBLE_DEVICES
    """.split()  # noqa: SIM905 - one name to a line would fill three screens
)
_SECRET_WORDS = ("KEY", "SECRET", "TOKEN", "PASSWORD", "PASSWD", "CREDENTIAL", "AUTH", "COOKIE")

QUIET: Mapping[str, str] = {
    "GIT_TERMINAL_PROMPT": "0",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "true",
    "NO_COLOR": "1",
    "CI": "1",
    "DEBIAN_FRONTEND": "noninteractive",
    "TERM": "dumb",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""Keeps programs from asking, paging and colouring; nobody sits at this terminal.

Git takes the message or the list of commits it would have opened an editor for as it is.

Python writes no bytecode files: it tells a stale one by whole seconds and size, so a test run right
after an edit of the same length would run the old code.
"""


def tool_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Choose the variables that shell commands may see.

    Args:
        environ: The environment of ralex itself.

    Returns:
        Known harmless variables only; never one whose name speaks of a key or secret.
    """
    return {
        name: value
        for name, value in environ.items()
        if (name in _ALLOWED or name.startswith("LC_")) and not _is_secret(name)
    }


def _is_secret(name: str) -> bool:
    upper = name.upper()
    return any(word in upper for word in _SECRET_WORDS)
