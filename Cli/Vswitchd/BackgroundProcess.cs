using System.Diagnostics;
using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>
/// Processes of a switch in the background (OVS <c>lib/daemon-unix.c</c>; the runtime cannot fork, so each is started anew with the same arguments). The launcher ends once the switch runs, which it says by <see cref="Ready"/> on
/// standard output; then its standard streams are <c>/dev/null</c>. A monitor starts the switch again when a signal has ended it that is a fault, once in 10 s at most.
/// </summary>
internal sealed class BackgroundProcess : IDisposable
{
    private const string Ready = "ready";
    private const string Variable = "MERGEFLOW_STAGE";
    private const int LeastSeconds = 10;

    /// <summary>What a shell adds to the number of a signal.</summary>
    private const int BySignal = 128;

    /// <summary>SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGPIPE, SIGALRM, SIGXCPU, SIGXFSZ (OVS <c>should_restart</c>).</summary>
    private static readonly int[] s_faults = [4, 6, 7, 8, 11, 13, 14, 24, 25];

    private readonly Process _process;

    private BackgroundProcess(BackgroundStage stage)
    {
        string program = Environment.ProcessPath ?? throw new IOException("the program's own file is not known");
        string[] arguments = Environment.GetCommandLineArgs();

        // Started by the runtime's host the first argument is the assembly; a program of its own is the file itself.
        bool isHosted = Path.GetFileNameWithoutExtension(program) == "dotnet";
        ProcessStartInfo start = new(program, isHosted ? arguments : arguments[1..]) { RedirectStandardOutput = true, RedirectStandardInput = true };
        start.Environment[Variable] = stage.ToString();
        _process = Process.Start(start)!;
        _process.StandardInput.Close();
    }

    /// <summary>Which one this is.</summary>
    public static BackgroundStage Stage => Enum.TryParse(Environment.GetEnvironmentVariable(Variable), out BackgroundStage stage) ? stage : BackgroundStage.Launcher;

    /// <summary>Starts the switch, and returns when it runs in the background; its exit code if it ends before.</summary>
    public static int Launch(bool isMonitored)
    {
        using BackgroundProcess started = new(isMonitored ? BackgroundStage.Monitor : BackgroundStage.Worker);
        return started.WaitUntilReady() ? ExitCode.Ok : started.WaitForEnd();
    }

    /// <summary>Starts the switch, and again when it fails; returns how it has ended.</summary>
    /// <param name="isDetached">It leaves the terminal, and says when the switch runs.</param>
    public static int Monitor(bool isDetached)
    {
        if (isDetached) DaemonCalls.LeaveTerminal();
        Interruption.LetGo();
        for (bool isFirst = true; ; isFirst = false)
        {
            long start = Stopwatch.GetTimestamp();
            using BackgroundProcess worker = new(BackgroundStage.Worker);
            using PosixSignalRegistration end = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
            {
                context.Cancel = true;
                DaemonCalls.End(worker._process.Id);
            });
            if (worker.WaitUntilReady() && isFirst && isDetached) SayReady(isDetached);
            int code = worker.WaitForEnd();
            if (!s_faults.Contains(code - BySignal)) return code;
            TimeSpan left = TimeSpan.FromSeconds(LeastSeconds) - Stopwatch.GetElapsedTime(start);
            if (left > TimeSpan.Zero) Thread.Sleep(left);
        }
    }

    /// <summary>The switch runs: who waits for it may go.</summary>
    /// <param name="isDetached">Nobody reads standard output or writes to standard input any more.</param>
    /// <param name="log">Log file, which stays open; null = none.</param>
    public static void SayReady(bool isDetached, string? log = null)
    {
        Console.Out.WriteLine(Ready);
        Console.Out.Flush();
        if (isDetached) DaemonCalls.DropStandardStreams(log);
    }

    /// <inheritdoc/>
    public void Dispose() => _process.Dispose();

    private bool WaitUntilReady() => _process.StandardOutput.ReadLine() == Ready;

    private int WaitForEnd()
    {
        _process.WaitForExit();
        return _process.ExitCode;
    }
}
