using System.Diagnostics;
using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>Writes the connections of a running switch to a file, again and again, and at its end: what a crash leaves is no older than that. At most a twentieth of the time goes into it.</summary>
internal sealed class StateKeeper : IDisposable
{
    private const int RestShare = 19;

    private readonly RunningSwitch _running;
    private readonly string _path;
    private readonly ManualResetEventSlim _end = new();
    private readonly Thread? _thread;
    private string? _lastTrouble;

    /// <summary>Begins.</summary>
    /// <param name="running">The switch.</param>
    /// <param name="path">The file.</param>
    /// <param name="every">Time between two writes; zero = at the end only.</param>
    public StateKeeper(RunningSwitch running, string path, TimeSpan every)
    {
        (_running, _path) = (running, path);
        if (every == TimeSpan.Zero) return;
        _thread = new Thread(() => Run(every)) { Name = "state", IsBackground = true };
        _thread.Start();
    }

    /// <summary>The last time: packets have stopped, what is written is what there is.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Finish()
    {
        Stop();
        _running.Live.Stop();
        int count = Write(isRunning: false);
        _running.Log.Write(string.Create(CultureInfo.InvariantCulture, $"{count} connection{(count == 1 ? "" : "s")} kept in {_path}"));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _end.Dispose();
    }

    private void Stop()
    {
        _end.Set();
        _thread?.Join();
    }

    private void Run(TimeSpan every)
    {
        for (TimeSpan rest = every; !_end.Wait(rest);)
        {
            long begin = Stopwatch.GetTimestamp();
            try
            {
                Write(isRunning: true);
                _lastTrouble = null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (e.Message != _lastTrouble) _running.Warn($"--state: {e.Message}");
                _lastTrouble = e.Message;
            }

            TimeSpan took = Stopwatch.GetElapsedTime(begin) * RestShare;
            rest = took > every ? took : every;
        }
    }

    private int Write(bool isRunning)
    {
        DateTime now = DateTime.UtcNow;
        IReadOnlyList<SavedConn> connections = _running.Datapath.SaveConnections(_running.NowMs);
        using OutputFile file = OutputFile.Create(_path);
        ConnectionFile.Write(file.Stream, connections, now, isRunning);
        file.Commit();
        return connections.Count;
    }
}
