using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>What a running switch says of itself: a line per event, to the terminal and to a file with the time. For any thread.</summary>
internal sealed class LiveLog : IDisposable
{
    private readonly Lock _lock = new();
    private readonly TextWriter _terminal;
    private readonly string? _path;
    private StreamWriter? _file;

    /// <param name="terminal">Takes each line.</param>
    /// <param name="path">Of the file that takes it too; null = none.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public LiveLog(TextWriter terminal, string? path)
    {
        (_terminal, _path) = (terminal, path);
        Reopen();
    }

    /// <summary>Says something.</summary>
    public void Write(string line)
    {
        lock (_lock)
        {
            try
            {
                _terminal.WriteLine(line);
                _terminal.Flush();
                _file?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-ddTHH:mm:ss.fffZ} {line}"));
            }
            catch (IOException)
            {
                // Nobody reads the terminal any more, or the disk is full: the switch goes on.
            }
        }
    }

    /// <summary>Begins the file anew, after somebody has moved it away (logrotate).</summary>
    /// <exception cref="IOException">It cannot be written; what is said goes to the old one.</exception>
    public void Reopen()
    {
        if (_path is null) return;
        FileStream stream = new(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        lock (_lock)
        {
            _file?.Dispose();
            _file = new StreamWriter(stream) { AutoFlush = true };
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock) _file?.Dispose();
    }
}
