namespace Mergeflow.Control;

/// <summary>
/// Cuts bytes into the JSON objects that follow each other in them, without anything in between but white space (OVS <c>json_parser_feed</c>). It looks at braces and strings only: whether an
/// object is well formed is for who parses it.
/// </summary>
/// <param name="maxBytes">Longest object, bytes.</param>
public sealed class JsonTextCutter(int maxBytes)
{
    /// <summary>Arrays and objects within each other, at most.</summary>
    public const int MaxDepth = 32;

    private const int FirstBytes = 1024;

    private byte[] _bytes = new byte[FirstBytes];
    private int _begin;
    private int _end;

    /// <summary>Bytes that have been looked at, of those from <see cref="_begin"/> on.</summary>
    private int _seen;
    private int _depth;
    private bool _isInText;
    private bool _isEscaped;

    /// <summary>Part of an object has come.</summary>
    public bool IsWithin => _end > _begin;

    /// <summary>Takes what has arrived. What <see cref="TryTake"/> has returned before is not valid any more.</summary>
    /// <exception cref="UnixctlException">An object is longer than it may be.</exception>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        // Who adds has taken all whole objects before: what is left is part of one.
        if (bytes.Length > maxBytes - (_end - _begin)) throw new UnixctlException($"a message is longer than {maxBytes} bytes");
        if (_begin > 0)
        {
            _bytes.AsSpan(_begin, _end - _begin).CopyTo(_bytes);
            (_begin, _end) = (0, _end - _begin);
        }

        if (_end + bytes.Length > _bytes.Length) Array.Resize(ref _bytes, Math.Max(_end + bytes.Length, (int)Math.Min(2L * _bytes.Length, maxBytes)));
        bytes.CopyTo(_bytes.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>Takes the next whole object.</summary>
    /// <param name="text">Its bytes, valid until the next <see cref="Add"/>.</param>
    /// <returns>False when none is whole.</returns>
    /// <exception cref="UnixctlException">What has come is no object, or one nested too deeply.</exception>
    public bool TryTake(out ReadOnlyMemory<byte> text)
    {
        text = default;
        while (_begin + _seen < _end)
        {
            byte b = _bytes[_begin + _seen];
            if (_depth == 0 && IsSpace(b))
            {
                _begin++;
                continue;
            }

            if (_depth == 0 && b != (byte)'{') throw new UnixctlException("a message is a JSON object");
            _seen++;
            if (!Ends(b)) continue;
            text = _bytes.AsMemory(_begin, _seen);
            _begin += _seen;
            _seen = 0;
            return true;
        }

        return false;
    }

    /// <summary>Takes all that has come behind the last object: it is something else.</summary>
    public byte[] TakeRest()
    {
        byte[] rest = _bytes[_begin.._end];
        (_begin, _end, _seen) = (0, 0, 0);
        return rest;
    }

    private static bool IsSpace(byte b) => b is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r';

    /// <summary>Whether the object ends with this byte.</summary>
    private bool Ends(byte b)
    {
        if (_isInText)
        {
            if (_isEscaped) _isEscaped = false;
            else if (b == (byte)'\\') _isEscaped = true;
            else if (b == (byte)'"') _isInText = false;
            return false;
        }

        switch (b)
        {
            case (byte)'"':
                _isInText = true;
                return false;
            case (byte)'{' or (byte)'[':
                if (++_depth > MaxDepth) throw new UnixctlException("a message is nested too deeply");
                return false;
            case (byte)'}' or (byte)']':
                return --_depth == 0;
            default:
                return false;
        }
    }
}
