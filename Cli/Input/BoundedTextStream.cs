using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>A forward-only stream that ends the command when its text, or one line of it, is longer than <see cref="InputLimits"/> allows.</summary>
/// <param name="inner">Owned.</param>
/// <param name="name">The name in messages.</param>
public sealed class BoundedTextStream(Stream inner, string name) : ForwardStream(inner)
{
    private long _total;
    private long _lineBytes;
    private int _lineNumber = 1;

    public override int Read(Span<byte> buffer)
    {
        int got = Inner.Read(buffer);
        Span<byte> rest = buffer[..got];
        for (int newline; (newline = rest.IndexOf((byte)'\n')) >= 0; rest = rest[(newline + 1)..])
        {
            if (_lineBytes + newline > InputLimits.MaxLineBytes) LineReader.ThrowTooLong(name, _lineNumber);
            _lineBytes = 0;
            _lineNumber++;
        }

        _lineBytes += rest.Length;
        if (_lineBytes > InputLimits.MaxLineBytes) LineReader.ThrowTooLong(name, _lineNumber);
        _total += got;
        if (_total > InputLimits.MaxTextBytes)
            throw new CommandFailedException(ExitCode.BadInput, $"{name} line {_lineNumber}: the text is larger than {InputLimits.MaxTextBytes >> 20} MiB", _lineNumber);
        return got;
    }
}
