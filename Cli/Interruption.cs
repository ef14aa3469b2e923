using System.Runtime.InteropServices;

namespace Mergeflow.Cli;

/// <summary>
/// The signals that ask a program to stop. The first one asks the command, which then removes what it has half written. If it does not end in time (it waits for
/// input, for instance), or at a second signal, the process ends at once, and what is half written goes all the same.
/// </summary>
public sealed class Interruption : IDisposable
{
    /// <summary>Signals and what shells add to 128 for them.</summary>
    private static readonly (PosixSignal Signal, int Number)[] s_signals = [(PosixSignal.SIGINT, 2), (PosixSignal.SIGTERM, 15), (PosixSignal.SIGHUP, 1), (PosixSignal.SIGQUIT, 3)];

    private static Interruption? s_current;

    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly int _patienceMs;
    private volatile int _number;
    private Timer? _timer;

    /// <param name="patienceMs">How long the command may take to end.</param>
    public Interruption(int patienceMs)
    {
        _patienceMs = patienceMs;
        s_current = this;
        _registrations = [.. s_signals.Select(s => PosixSignalRegistration.Create(s.Signal, context => OnSignal(context, s.Number)))];
    }

    /// <summary>Is cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>A command takes the signals of the process itself, from now on.</summary>
    public static void LetGo()
    {
        if (s_current is not { } current) return;
        foreach (PosixSignalRegistration registration in current._registrations) registration.Dispose();
    }

    /// <summary>The exit code of the program: 128 and the signal's number if one has ended the command, as shells count.</summary>
    public int Code(int commandCode) => commandCode == ExitCode.Interrupted && _number > 0 ? 128 + _number : commandCode;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        _timer?.Dispose();
        _source.Dispose();
    }

    private void End()
    {
        OutputFile.RemoveUnfinished();
        Environment.Exit(128 + _number);
    }

    private void OnSignal(PosixSignalContext context, int number)
    {
        context.Cancel = true;
        if (_number != 0) End();
        _number = number;
        _timer = new Timer(_ => End(), null, _patienceMs, Timeout.Infinite);
        _source.Cancel();
    }
}
