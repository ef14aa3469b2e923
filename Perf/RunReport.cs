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
    private readonly List<(string Sentence, bool IsWarning)> _notes = [];
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
    /// <param name="sentence">What a reader has to know.</param>
    /// <param name="isWarning">Figures may mislead for it.</param>
    public void Note(string sentence, bool isWarning = false)
    {
        _notes.Add((sentence, isWarning));
        _output.WriteLine(sentence);
    }

    /// <summary>Measures a list of rows.</summary>
    public ResultsFile Suite(IReadOnlyList<ScenarioSpec> specs)
    {
        if (specs.Count == 0) throw PerfException.Usage("nothing to run");
        RequireNic(specs.Select(static s => s.Settings));
        IProgressView view = _console.Profile.Capabilities.Interactive ? new TerminalProgress(_console) : new PlainProgress(_output);
        try
        {
            var session = new Session(view, _interrupted);
            foreach ((string sentence, bool isWarning) in _notes) session.Note(sentence, isWarning);
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
        RequireNic(modes.Select(m => settings with { Offload = m }));
        Workload workload = run.Load();
        _output.WriteLine($"{workload.Name}: {workload.Frames.Count} frames, rules: {workload.FlowsName}");
        _output.WriteLine(workload.Arrival);
        foreach (string note in workload.Notes) Note(note, isWarning: true);
        Dictionary<OffloadMode, FirstPass> passes = FirstPasses(workload, settings, modes);
        ResultsFile results = Suite([.. modes.Select(m => new ScenarioSpec(workload.Name, () => workload, settings with { Offload = m }))]);
        results = results with
        {
            Scenarios = [.. results.Scenarios.Select(row => WithFirstPass(row, workload, passes[RunOptions.Mode(row.Offload)]))],
        };
        ShowFirstPasses(results, passes);
        return results with { Notes = [.. results.Notes, .. LoopNotes(results)] };
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

    /// <summary>A profile without a row that uses it is a mistake, not a wish.</summary>
    private static void RequireNic(IEnumerable<BenchSettings> rows)
    {
        if (rows.Any(static r => r.NicProfile is not null) && rows.All(static r => r.Offload != OffloadMode.Nic)) throw PerfException.Usage("--nic-profile needs a row with offload nic");
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
            Note($"OUTPUT DIFFERS: offload {ScenarioSpec.Text(mode)} against none: {difference.Describe(mine, theirs)}", isWarning: true);
        }

        if (!_failed) Note($"First pass: the same output in {(modes.Count == 1 ? $"offload {ScenarioSpec.Text(modes[0])} and none" : "every offload mode")}, {passes[modes[0]].Output.Count} frames left ({watch.Elapsed.TotalSeconds:F1} s).");
        return passes;
    }

    private static ScenarioResult WithFirstPass(ScenarioResult row, Workload workload, FirstPass pass) => row with
    {
        Frames = workload.Frames.Count,
        OutputSha256 = pass.Output.Sha256(),
        FirstPass = pass.Shares is null ? null : [.. ShareTable.Rows(pass.Shares).Select(static r => new ReasonCount(r.What, r.Part.Packets, r.Part.Bytes))],
        Reasons = pass.Shares is null ? [] : [.. pass.Shares.Refused.Select(static r => new ReasonCount(r.Reason.ToString(), r.Lost.Packets, r.Lost.Bytes)).OrderByDescending(static r => r.Packets)],
        Loop = new LoopInfo(row.PacketsPerSecond.Median / workload.Frames.Count, workload.Frames.Count(OpensOrCloses)),
    };

    /// <summary>TCP with SYN, FIN or RST behind plain headers; what lies deeper is not counted.</summary>
    private static bool OpensOrCloses(byte[] f)
    {
        const int flagsAt = 13, synFinRst = 7;
        if (f.Length < 54) return false;
        int l4 = (f[12], f[13]) switch
        {
            (0x08, 0x00) when f[23] == IpProto.Tcp => 14 + ((f[14] & 15) * 4),
            (0x86, 0xdd) when f[20] == IpProto.Tcp => 54,
            _ => 0,
        };
        return l4 > 0 && f.Length > l4 + flagsAt && (f[l4 + flagsAt] & synFinRst) != 0;
    }

    /// <summary>The answer first: one pass, as it was captured; then what the loop makes of it.</summary>
    private void ShowFirstPasses(ResultsFile results, Dictionary<OffloadMode, FirstPass> passes)
    {
        foreach (ScenarioResult row in results.Scenarios.Where(static r => r.FirstPass is not null))
        {
            OffloadShares shares = passes[RunOptions.Mode(row.Offload)].Shares!;
            ShareTable.Table(ShareTable.Rows(shares), $"{row.Name}, offload {row.Offload}, one pass with its own clock").Write(_console);
            _output.WriteLine(ShareTable.Summary(shares));
        }
    }

    private static IEnumerable<string> LoopNotes(ResultsFile results)
    {
        if (results.Scenarios.FirstOrDefault(static r => r.FirstPass is not null && r.Loop is { ConnectionFrames: > 0 }) is not { } row) yield break;
        yield return string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{row.Name}: looped, {row.Loop!.RoundsPerSecond:N0} times a second and without pause; {row.Loop.ConnectionFrames} of {row.Frames} frames open or close a connection, so each is closed and opened again in every round. The shares per tier are those of the loop; how much of the traffic is offloaded is what the one pass says.");
    }
}
