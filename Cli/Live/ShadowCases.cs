using System.Globalization;
using System.Text;
using Mergeflow.Nic;

namespace Mergeflow.Cli;

/// <summary>Says that the kernel has forwarded a packet otherwise than software, and keeps the first ones as case directories: what the switch knew, the packet, and what software sends (<c>expected.jsonl</c>) and the kernel has sent (<c>kernel.jsonl</c>).</summary>
/// <param name="running">The switch.</param>
/// <param name="directory">Where cases are kept.</param>
internal sealed class ShadowCases(RunningSwitch running, string directory)
{
    /// <summary>More are only reported.</summary>
    private const int MostCases = 16;

    private const int MostShownBytes = 256;

    private int _count;

    /// <summary>Takes one, on the thread that checks.</summary>
    public void Keep(ShadowDifference difference)
    {
        KernelSample sample = difference.Sample;
        running.Log.Write(string.Create(CultureInfo.InvariantCulture, $"the kernel forwards otherwise than software, rule {difference.Rule.Id} is revoked: {difference.Difference}"));
        running.Log.Write(string.Create(CultureInfo.InvariantCulture, $"  came by port {sample.InPort}, {sample.LengthBytes} bytes: {Hex(sample.Frame)}"));
        foreach (KernelOutput output in sample.Outputs) running.Log.Write(string.Create(CultureInfo.InvariantCulture, $"  left by port {output.Port}, {output.LengthBytes} bytes: {Hex(output.Frame)}"));
        if (sample.OutPort is null) running.Log.Write("  was dropped");
        foreach ((uint to, byte[] frame) in difference.Software) running.Log.Write(string.Create(CultureInfo.InvariantCulture, $"  software sends by port {to}, {frame.Length} bytes: {Hex(frame)}"));
        if (_count >= MostCases || running.Datapath.Conntrack.Count > LastFrames.MaxConnections) return;
        string path = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{++_count}"));
        try
        {
            Write(path, difference);
            running.Log.Write($"  kept in {path}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            running.Log.Write($"  not kept: {e.Message}");
        }
    }

    private void Write(string path, ShadowDifference difference)
    {
        SwitchMoment moment = running.Datapath.MomentNow(running.NowMs);
        CaseRecording recording = new(running, moment);
        KernelSample sample = difference.Sample;
        byte[] whole = new byte[sample.LengthBytes];
        sample.Frame.AsSpan(0, Math.Min(whole.Length, sample.Frame.Length)).CopyTo(whole);
        recording.Add(sample.InPort, whole, difference.Software);
        Directory.CreateDirectory(path);
        recording.Write((name, bytes) => File.WriteAllBytes(Path.Combine(path, name), bytes));
        string output = string.Join(',', sample.Outputs.Select(static o => string.Create(CultureInfo.InvariantCulture, $"[{o.Port},\"{Convert.ToHexStringLower(o.Frame)}\"]")));
        File.WriteAllBytes(Path.Combine(path, "kernel.jsonl"), Encoding.UTF8.GetBytes($"{{\"out\":[{output}]}}\n"));
        StringWriter rule = new();
        rule.WriteLine($"{difference.Rule.Id}: {MergedFlowText.Line(difference.Rule)}");
        rule.WriteLine(difference.Difference);
        File.WriteAllText(Path.Combine(path, "rule.txt"), rule.ToString());
    }

    private static string Hex(byte[] frame) => Convert.ToHexStringLower(frame.AsSpan(0, Math.Min(frame.Length, MostShownBytes))) + (frame.Length > MostShownBytes ? ".." : "");
}
