using System.Diagnostics;

namespace Mergeflow.Perf;

/// <summary>Measures rows one after the other, shows where it is, and gives the results.</summary>
public sealed class Session
{
    private readonly IProgressView _view;
    private readonly CancellationToken _interrupted;
    private readonly List<string> _notes = [];
    private readonly List<string> _warnings = [];

    /// <summary>A session.</summary>
    public Session(IProgressView view, CancellationToken interrupted) => (_view, _interrupted) = (view, interrupted);

    /// <summary>Runs every row.</summary>
    /// <param name="specs">Rows in order.</param>
    /// <param name="arguments">Command line, for the record.</param>
    /// <exception cref="OperationCanceledException">Interrupted.</exception>
    public ResultsFile Run(IReadOnlyList<ScenarioSpec> specs, IReadOnlyList<string> arguments)
    {
        HostInfo host = HostProbe.Probe();
        DateTimeOffset created = DateTimeOffset.UtcNow;
        double total = specs.Sum(s => s.PlannedSeconds);
        double done = 0;
        var rows = new List<ScenarioResult>(specs.Count);
        var watch = Stopwatch.StartNew();
        _view.Begin(specs.Count);
        for (int i = 0; i < specs.Count; i++)
        {
            ScenarioSpec spec = specs[i];
            int number = i + 1;
            double before = done;
            void Report(BenchProgress p)
            {
                double at = before + (p.Part * spec.PlannedSeconds);
                _view.Step(number, spec.Title, p.Phase, at / total, TimeLeft(watch.Elapsed.TotalSeconds, at, total));
            }

            Report(new BenchProgress("frames", 0));
            ScenarioResult row = Measure(spec, Report);
            done += spec.PlannedSeconds;
            rows.Add(row);
            _view.Done(number, spec.Title, row, TimeLeft(watch.Elapsed.TotalSeconds, done, total));
        }

        _view.End();
        return new ResultsFile
        {
            Schema = ResultsFile.SchemaName,
            Version = ResultsFile.CurrentVersion,
            CreatedAt = created,
            Commit = HostProbe.Commit(),
            Arguments = arguments,
            Host = host,
            Runtime = RuntimeInfo.Probe(),
            Seed = Mergeflow.Native.ProcessSeed.Value,
            Scenarios = rows,
            Notes = Notes(host, rows),
            Warnings = [.. _warnings],
        };
    }

    /// <summary>Adds a sentence to the results.</summary>
    /// <param name="sentence">What a reader has to know.</param>
    /// <param name="isWarning">Figures may mislead for it.</param>
    public void Note(string sentence, bool isWarning = false)
    {
        _notes.Add(sentence);
        if (isWarning) _warnings.Add(sentence);
    }

    private ScenarioResult Measure(ScenarioSpec spec, Action<BenchProgress> report)
    {
        Workload workload = spec.Make();
        _interrupted.ThrowIfCancellationRequested();
        BenchResult result = new ScenarioRunner(workload, spec.Settings, report, _interrupted).Run();
        return ScenarioResultBuilder.Build(spec, workload, result);
    }

    /// <summary>What is planned for the rest, stretched as the part so far was.</summary>
    private static double TimeLeft(double elapsed, double done, double total)
        => (total - done) * (done < 1 ? 1 : Math.Clamp(elapsed / done, 0.5, 4));

    private List<string> Notes(HostInfo host, List<ScenarioResult> rows)
    {
        int disturbed = rows.Count(r => r.Runs.Any(x => x.CpuShare < BenchRun.QuietShare));
        if (disturbed > 0) Note($"Other work was on the processor in {disturbed} of {rows.Count} rows (load average {host.LoadAverage:F1}): absolute figures are not to be trusted.", isWarning: true);
        if (rows.Any(r => r.Offload == "nic")) Note("Offload nic: the device is emulated on the packet thread. \"Of it device\" is what the emulation takes; a real NIC would leave the rest.");
        if (!host.TscIsHardware) Note("No time stamp counter: cycles are scaled from the system clock.", isWarning: true);
        return [.. _notes];
    }
}
