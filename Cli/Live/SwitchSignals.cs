using System.Runtime.InteropServices;

namespace Mergeflow.Cli;

/// <summary>Signals of a running switch, instead of those of other commands: SIGTERM, SIGINT and SIGQUIT end it in good order, SIGHUP has rules read and the log begun anew. A thread that fails ends it too.</summary>
internal sealed class SwitchSignals : IDisposable
{
    private readonly RunningSwitch _running;
    private readonly AutoResetEvent _reload = new(false);
    private readonly PosixSignalRegistration[] _registrations;

    /// <summary>Signals are taken from now on.</summary>
    public SwitchSignals(RunningSwitch running)
    {
        _running = running;
        Interruption.LetGo();
        PollerFailures.Reported += OnFailure;
        _registrations =
        [
            .. new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT }.Select(s => PosixSignalRegistration.Create(s, context =>
            {
                context.Cancel = true;
                running.End();
            })),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                _reload.Set();
            }),
        ];
    }

    /// <summary>Reads rules anew as often as it is told to, until the switch is to end.</summary>
    public void Wait(CancellationToken interrupted)
    {
        WaitHandle[] handles = [_running.Ending, interrupted.WaitHandle, _reload];
        while (WaitHandle.WaitAny(handles) == handles.Length - 1)
        {
            try
            {
                _running.Log.Reopen();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _running.Warn(e.Message);
            }

            _running.Reload();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        PollerFailures.Reported -= OnFailure;
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        _reload.Dispose();
    }

    private void OnFailure(PollerFailure failure)
    {
        _running.Log.Write($"failed: {failure.Line}");

        // The offload begins again by itself; of the others the runtime ends.
        if (failure.DatapathId == 0) _running.End();
    }
}
