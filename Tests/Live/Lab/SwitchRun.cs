using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A <c>mergeflow switch</c> in this process, with its control socket in a folder of its own. It has ended in good order when it is disposed of.</summary>
internal sealed class SwitchRun : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _end = new();
    private readonly SharedWriter _said = new();
    private readonly Thread _thread;
    private int _code = -1;

    /// <summary>Runs when this returns, or has ended.</summary>
    public SwitchRun(params string[] arguments)
    {
        _thread = new Thread(() => _code = App.Run(["switch", "--socket", Socket, .. arguments], _said, _said, _end.Token)) { IsBackground = true };
        _thread.Start();
        LiveLab.WaitFor(() => _said.ToString().Contains("running: ", StringComparison.Ordinal) || !_thread.IsAlive, "the switch");
    }

    /// <summary>Path of the control socket.</summary>
    public string Socket => _folder["s"];

    /// <summary>Files of the test.</summary>
    public TemporaryFolder Folder => _folder;

    /// <summary>What it has said.</summary>
    public string Said => _said.ToString();

    /// <summary>Whether it is there.</summary>
    public bool IsRunning => _thread.IsAlive;

    /// <summary>Runs a command against it.</summary>
    public CliRun Ask(params string[] arguments) => CliRun.Of([.. arguments, "--live", Socket]);

    /// <summary>The same for a command that must not fail; returns what it prints.</summary>
    public string Must(params string[] arguments)
    {
        CliRun run = Ask(arguments);
        Assert.True(run.ExitCode == 0, $"{string.Join(' ', arguments)}: {run.ExitCode}: {run.Error}");
        return run.Output;
    }

    /// <summary>Waits until it has said something.</summary>
    public void WaitFor(string text) => LiveLab.WaitFor(() => Said.Contains(text, StringComparison.Ordinal), $"'{text}' in: {Said}");

    /// <summary>Ends it and returns its exit code.</summary>
    public int End()
    {
        _end.Cancel();
        Assert.True(_thread.Join(TimeSpan.FromSeconds(60)), "the switch does not end");
        return _code;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        End();
        _end.Dispose();
        _folder.Dispose();
    }

    private sealed class SharedWriter : StringWriter
    {
        private readonly Lock _lock = new();

        public override void WriteLine(string? value)
        {
            lock (_lock) base.WriteLine(value);
        }

        public override string ToString()
        {
            lock (_lock) return base.ToString();
        }
    }
}
