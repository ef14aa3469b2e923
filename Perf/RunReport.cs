using System.Diagnostics;
using Mergeflow.Cli;
using Spectre.Console;

namespace Mergeflow.Perf;

/// <summary>One invocation from the first measurement to the written files and the exit code.</summary>
public sealed class RunReport
{
    private readonly TextWriter _output;
    private readonly CancellationToken _interrupted;
    private readonly IReadOnlyList<string> _arguments;
    private readonly string _jsonPath;
    private readonly string _htmlPath;
    private readonly IAnsiConsole _console;
    private readonly List<string> _notes = [];
    private bool _failed;

    /// <summary>A report that will go to these files.</summary>
    public RunReport(TextWriter output, CancellationToken interrupted, IReadOnlyList<string> arguments, string jsonPath, string htmlPath)
    {
        (_output, _interrupted, _arguments, _jsonPath, _htmlPath) = (output, interrupted, arguments, jsonPath, htmlPath);
        _console = TextTable.ConsoleOn(output);
    }

    /// <summary>Print a block per row in the manner of pmd-perf-show.</summary>
    public bool ShowsPmds { get; init; }

    /// <summary>Adds a sentence to the results, and shows it now.</summary>
    public void Note(string sentence)
    {
        _notes.Add(sentence);
        _output.WriteLine(sentence);
    }

    /// <summary>Measures a list of rows.</summary>
    public ResultsFile Suite(IReadOnlyList<ScenarioSpec> specs)
    {
        if (specs.Count == 0) throw PerfException.Usage("nothing to run");
        IProgressView view = _console.Profile.Capabilities.Interactive ? new TerminalProgress(_console) : new PlainProgress(_output);
        try
        {
            var session = new Session(view, _interrupted);
            foreach (string note in _notes) session.Note(note);
            return session.Run(specs, _arguments);
        }
        finally
        {
            view.End();
        }
    }

    /// <summary>Checks that a capture gives the same output in every mode, then measures it.</summary>
    public ResultsFile Capture(CaptureRun run, BenchSettings settings, IReadOnlyList<OffloadMode>? modes)
    {
        modes ??= RunOptions.AllModes;
        Workload workload = run.Load();
        _output.WriteLine($"{workload.Name}: {workload.Frames.Count} frames, rules: {workload.FlowsName}, arrives on {(run.InPort is uint n ? $"port {n}" : "port 1 (inside) or 2 (outside)")}");
        foreach (string note in workload.Notes) Note(note);
        Dictionary<OffloadMode, FirstPass> passes = FirstPasses(workload, settings, modes);
        ResultsFile results = Suite([.. modes.Select(m => new ScenarioSpec(workload.Name, () => workload, settings with { Offload = m }))]);
        return results with
        {
            Scenarios = [.. results.Scenarios.Select(row => WithFirstPass(row, workload, passes[RunOptions.Mode(row.Offload)]))],
        };
    }

    /// <summary>Prints the table, writes the files, compares.</summary>
    /// <returns>One of <see cref="PerfExitCode"/>.</returns>
    public int Finish(ResultsFile results, ResultsFile? baseline, double threshold)
    {
        ResultsTable.Print(_console, results);
        StudyTables.Print(_console, results);
        if (ShowsPmds) PmdPerfShow.Print(_output, results);
        Comparison? comparison = baseline is null ? null : Comparison.Of(baseline, results, threshold);
        OutputFile.Write(_jsonPath, ResultsJson.Write(results));
        OutputFile.Write(_htmlPath, HtmlReport.Write(results, comparison));
        _output.WriteLine($"written  {_jsonPath}, {_htmlPath}");
        if (comparison is not null) ComparisonTable.Print(_console, comparison);
        if (_failed) return PerfExitCode.Failed;
        return comparison?.ExitCode ?? PerfExitCode.Ok;
    }

    private Dictionary<OffloadMode, FirstPass> FirstPasses(Workload workload, BenchSettings settings, IReadOnlyList<OffloadMode> modes)
    {
        // No NIC checks TCP sequence numbers: its answer is compared with software that does not either.
        var references = new Dictionary<bool, FirstPass>();
        var passes = new Dictionary<OffloadMode, FirstPass>();
        var watch = Stopwatch.StartNew();
        foreach (OffloadMode mode in modes)
        {
            bool tcpSeqChk = mode != OffloadMode.Nic;
            if (!references.TryGetValue(tcpSeqChk, out FirstPass? reference))
            {
                reference = FirstPass.Run(workload, settings with { Offload = OffloadMode.None }, tcpSeqChk, _interrupted);
                references.Add(tcpSeqChk, reference);
            }

            FirstPass pass = mode == OffloadMode.None ? reference : FirstPass.Run(workload, settings with { Offload = mode }, tcpSeqChk, _interrupted);
            passes.Add(mode, pass);
            if (pass.Output.FirstDifference(reference.Output) is not OutputDifference difference) continue;
            _failed = true;
            byte[]? mine = FirstPass.Frame(workload, settings with { Offload = mode }, tcpSeqChk, difference, _interrupted);
            byte[]? theirs = FirstPass.Frame(workload, settings with { Offload = OffloadMode.None }, tcpSeqChk, difference, _interrupted);
            Note($"OUTPUT DIFFERS: offload {ScenarioSpec.Text(mode)} against none: {difference.Describe(mine, theirs)}");
        }

        if (!_failed) Note($"First pass: the same output in {(modes.Count == 1 ? $"offload {ScenarioSpec.Text(modes[0])} and none" : "every offload mode")}, {passes[modes[0]].Output.Count} frames left ({watch.Elapsed.TotalSeconds:F1} s).");
        return passes;
    }

    private static ScenarioResult WithFirstPass(ScenarioResult row, Workload workload, FirstPass pass) => row with
    {
        Frames = workload.Frames.Count,
        OutputSha256 = pass.Output.Sha256(),
        Reasons = pass.Reasons,
    };
}
