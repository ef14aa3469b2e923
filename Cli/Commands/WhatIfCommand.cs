using System.CommandLine;
using System.Globalization;
using Mergeflow.Nic;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow whatif</c>: the same replay on several NICs, with several admission policies.</summary>
internal static class WhatIfCommand
{
    public static Command Create(CancellationToken interrupted)
    {
        ReplayInputOptions inputs = new(choosesDevice: false);
        Option<string> profiles = new("--profiles") { HelpName = "NAME|FILE,..", Description = "NIC profiles, built-in names or JSON files.", DefaultValueFactory = _ => string.Join(',', NicProfile.EmbeddedNames) };
        Option<string> policies = new("--admissions") { HelpName = "POLICY,..", Description = $"Admission policies: {Admission.Syntax}.", DefaultValueFactory = _ => "always,after-8,saved-cycles" };
        Option<bool> json = new("--json") { Description = "One JSON object per line, for programs." };
        Command command = new("whatif", "Replay on every NIC profile with every admission policy: share offloaded, rules, evictions, largest loss.");
        inputs.AddTo(command);
        foreach (Option option in new Option[] { profiles, policies, json }) command.Options.Add(option);
        command.SetAction(parsed =>
        {
            string[] names = Words(parsed.GetRequiredValue(profiles), "--profiles"), admissions = Words(parsed.GetRequiredValue(policies), "--admissions");
            foreach (string policy in admissions)
            {
                if (!Admission.TryParse(policy, OffloadMode.Nic, out _)) CommandFailedException.ThrowUsage($"--admissions: expected {Admission.Syntax}, not '{policy}'");
            }

            // All profiles are read before the first replay: a wrong one must not cost the others' time.
            foreach (string name in names)
            {
                if (!NicProfile.EmbeddedNames.Contains(name) && !File.Exists(name)) throw new IOException($"--profiles: '{name}' is neither a file nor one of {string.Join(", ", NicProfile.EmbeddedNames)}");
                NicProfile.Load(name);
            }

            ReplayArguments arguments = inputs.Resolve(parsed) with { Offload = OffloadMode.Nic };
            using InputSpool spool = arguments.OpenSpool(interrupted);
            return Run(arguments with { Spool = spool }, names, admissions, parsed.GetValue(json), parsed.InvocationConfiguration.Output, interrupted);
        });
        return command;
    }

    private static int Run(ReplayArguments arguments, string[] profiles, string[] policies, bool isJson, TextWriter output, CancellationToken interrupted)
    {
        TextTable table = new(2, "profile", "admission", "% of bytes", "% of packets", "rules", "most at once", "evictions", "largest loss", "its % of bytes") { TextHeaders = ["largest loss"] };
        int code = ExitCode.Ok;
        foreach (string profile in profiles)
        {
            foreach (string policy in policies)
            {
                _ = Admission.TryParse(policy, OffloadMode.Nic, out IAdmissionPolicy? admission);
                using ReplaySession session = new(arguments with { NicProfile = profile, Admission = admission }, Stream.Null);
                int most = 0;
                while (session.Step())
                {
                    interrupted.ThrowIfCancellationRequested();
                    most = Math.Max(most, session.Simulator.Datapath.Offload!.RuleCount);
                }

                SimulatorReport report = session.Finish();
                if (ExitCode.Of(report) != ExitCode.Ok) code = ExitCode.Of(report);
                OffloadStats stats = session.Simulator.Datapath.Offload!.Stats;
                OffloadShares shares = session.Simulator.Datapath.Offload.Report.Shares(session.Received);
                if (isJson) WriteJson(output, profile, policy, shares, stats, most);
                else AddRow(table, profile, policy, shares, stats, most);

                // What the input says of itself is said once.
                arguments = arguments with { Warn = null, Note = null };
            }
        }

        if (!isJson) table.Write(output);
        return code;
    }

    private static void AddRow(TextTable table, string profile, string policy, OffloadShares shares, OffloadStats stats, int most)
    {
        OffloadReason reason = shares.Refused.Count > 0 ? shares.Refused[0].Reason : OffloadReason.None;

        // Rounded as offload stats rounds them: one capture has one share.
        (string packets, string bytes) = ShareTable.PercentOf(shares, ShareTable.Offloaded);
        table.AddRow(
            Path.GetFileNameWithoutExtension(profile),
            policy,
            bytes,
            packets,
            Number(stats.Installed),
            Number((ulong)most),
            Number(stats.Evicted),
            reason == OffloadReason.None ? "-" : reason.ToString(),
            ShareTable.PercentOf(shares, reason.ToString()).Bytes);
    }

    private static void WriteJson(TextWriter output, string profile, string policy, OffloadShares shares, OffloadStats stats, int most) => ShowContext.WriteJson(output, json =>
    {
        json.WriteString("profile", profile);
        json.WriteString("admission", policy);
        json.WriteNumber("rx_packets", shares.Received.Packets);
        json.WriteNumber("rx_bytes", shares.Received.Bytes);
        json.WriteNumber("offload_hits", shares.Offloaded.Packets);
        json.WriteNumber("offload_bytes", shares.Offloaded.Bytes);
        json.WriteNumber("n_offloaded", stats.Installed);
        json.WriteNumber("most_rules", most);
        json.WriteNumber("evicted", stats.Evicted);
        json.WriteStartObject("refused_bytes");
        foreach ((OffloadReason reason, BookTotals lost) in shares.Refused) json.WriteNumber(reason.ToString(), lost.Bytes);
        json.WriteEndObject();
    });

    private static string[] Words(string text, string option)
    {
        string[] words = [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct()];
        if (words.Length == 0) CommandFailedException.ThrowUsage($"{option}: expected at least one name");
        return words;
    }

    private static string Number(ulong value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
