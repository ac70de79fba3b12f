# Sourced by the commands beside it: finds a Python that is new enough and leaves its name in $python.
for python in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        return 0
    fi
done
echo "Signalbox needs Python 3.11 or newer, and none was found: install it, or name it with PYTHON=/path/to/python3." >&2
exit 1
