using System.CommandLine;
using System.Globalization;
using System.Text;
using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary><c>record</c>: what a running switch does for a while becomes a case directory, which <c>replay</c> repeats.</summary>
internal static class RecordCommand
{
    /// <summary>Name of the command at the control socket.</summary>
    public const string Method = "mergeflow/record";

    private const int RingBytes = 8 << 20;
    private const int PeriodMs = 20;
    private const int MaxSeconds = 3600;

    private static readonly string[] s_files = ["case.json", "flows.txt", "groups.txt", "meters.txt", "connections.jsonl", "events.jsonl", "expected.jsonl"];

    public static Command Create(CancellationToken interrupted)
    {
        OptionalNumberOption<int> seconds = new("--seconds") { HelpName = "N", Description = "How long; default: until a signal." };
        OptionalNumberOption<int> last = new("--last") { HelpName = "N", Description = "What was, of the last N seconds, as far as the switch has kept it, instead of what is to come." };
        Option<string> output = new("--out") { Required = true, HelpName = "DIR", Description = "Case directory that is made." };
        LiveOption live = new(isImplied: true);
        Command command = new("record", "Make a case directory of what a running switch does; replay repeats it.");
        foreach (Option option in new Option[] { seconds, last, output, live }) command.Options.Add(option);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(seconds) is < 1 or > MaxSeconds) CommandFailedException.ThrowUsage($"--seconds: expected 1 to {MaxSeconds}");
            if (parsed.GetValue(last) is < 1 or > MaxSeconds) CommandFailedException.ThrowUsage($"--last: expected 1 to {MaxSeconds}");
            if (parsed.GetValue(last) is not null && parsed.GetValue(seconds) is not null) CommandFailedException.ThrowUsage("--last and --seconds exclude each other");
            string target = Path.GetFullPath(parsed.GetRequiredValue(output)).TrimEnd('/');
            if (Path.Exists(target)) throw new IOException($"{target}: is there already");
            Receive(live.SocketOf(parsed)!, parsed.GetValue(last) is int was ? -was : parsed.GetValue(seconds) ?? 0, target, parsed.InvocationConfiguration.Error, interrupted);
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>The switch's side of it.</summary>
    public static UnixctlStream Open(RunningSwitch running, IReadOnlyList<string> words)
    {
        if (!int.TryParse(words[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int seconds) || seconds is < -MaxSeconds or > MaxSeconds) throw new UnixctlException("expected seconds to come, or less than 0: that were");
        return (client, end) =>
        {
            if (seconds < 0) WriteLast(running, -seconds, client);
            else Write(running, seconds, client, end);
        };
    }

    private static void Receive(string socket, int seconds, string target, TextWriter notes, CancellationToken interrupted)
    {
        string partial = string.Create(CultureInfo.InvariantCulture, $"{target}.{Environment.ProcessId}.partial");
        FileStream? file = null;
        try
        {
            Directory.CreateDirectory(partial);
            LiveClient.Stream(
                socket,
                Method,
                [seconds.ToString(CultureInfo.InvariantCulture)],
                (kind, bytes) =>
                {
                    if (kind == LiveChunk.Data) file?.Write(bytes);
                    if (kind != LiveChunk.File) return;
                    file?.Dispose();
                    string name = Encoding.UTF8.GetString(bytes);
                    file = s_files.Contains(name) ? File.Create(Path.Combine(partial, name)) : throw new IOException($"the switch has a file '{name}' that no case has");
                },
                notes,
                interrupted);
            file?.Dispose();
            if (!File.Exists(Path.Combine(partial, s_files[^1]))) throw new IOException("there is no case: the switch has ended, or has kept nothing");
            Directory.Move(partial, target);
        }
        finally
        {
            file?.Dispose();
            if (Directory.Exists(partial)) Directory.Delete(partial, recursive: true);
        }
    }

    private static void Write(RunningSwitch running, int seconds, Stream client, CancellationToken end)
    {
        using IDisposable? held = running.Live.Taps.HoldKernel();
        ChangeJournal journal = new();
        using FrameFeed feed = new(running, static () => new FrameRing(RingBytes, keepsOldest: true), out SwitchMoment moment, journal);
        CaseRecording recording = new(running, moment);
        long endMs = seconds == 0 ? long.MaxValue : running.NowMs + (seconds * 1000L);
        bool hasRoom = true;
        while (hasRoom && running.NowMs < endMs && !end.WaitHandle.WaitOne(PeriodMs) && !FrameFeed.HasLeft(client)) hasRoom = feed.Read(recording.Take);
        if (hasRoom) hasRoom = feed.End(recording.Take);
        else feed.End(static (int _, in RingFrame _) => true);
        if (feed.Lost > 0) Note(client, string.Create(CultureInfo.InvariantCulture, $"{feed.Lost} frames came faster than they were read and are not in the case: it will not repeat"));
        if (!hasRoom) Note(client, string.Create(CultureInfo.InvariantCulture, $"ended after {CaseRecording.MaxBytes >> 20} MB of frames"));
        held?.Dispose();
        if (journal.Lost > 0) Note(client, string.Create(CultureInfo.InvariantCulture, $"{journal.Lost} changes of rules are not in the case, for want of room: it will not repeat"));
        Send(recording, moment, client, [.. journal.Changes]);
    }

    private static void WriteLast(RunningSwitch running, int seconds, Stream client)
    {
        (CaseRecording Recording, SwitchMoment Moment, string? Note)? last = running.Last?.Take(seconds);
        if (last is not var (recording, moment, note))
        {
            Note(client, running.Last is null ? "the switch keeps no last frames: --keep-last 0" : "nothing has been kept yet, or there are too many connections");
            LiveChunks.Write(client, LiveChunk.Done, "");
            return;
        }

        if (note is not null) Note(client, note);
        if (running.ForwardsInKernel) Note(client, RunningSwitch.KernelNote);
        if (!moment.Rules.SequenceEqual(running.Datapath.Pipeline.Rules)) Note(client, "rules have changed meanwhile: the case has those of its beginning");
        Send(recording, moment, client, []);
    }

    private static void Send(CaseRecording recording, SwitchMoment moment, Stream client, SwitchChange[] changes)
    {
        if (recording.StrayCount > 0) Note(client, string.Create(CultureInfo.InvariantCulture, $"{recording.StrayCount} packets left because of what had come before"));
        int written = recording.Write(
            (name, bytes) =>
            {
                LiveChunks.Write(client, LiveChunk.File, name);
                LiveChunks.Write(client, LiveChunk.Data, bytes);
            },
            changes);
        string changed = written == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {written} changes");
        Note(client, string.Create(CultureInfo.InvariantCulture, $"{recording.Count} packets, {moment.Connections.Count} connections at the beginning{changed}"));
        LiveChunks.Write(client, LiveChunk.Done, "");
    }

    private static void Note(Stream client, string text) => LiveChunks.Write(client, LiveChunk.Note, text);
}
