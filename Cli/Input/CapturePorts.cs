using System.Globalization;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>
/// On which ports the frames of captures arrive. A number: all of them there. <c>auto</c>: each interface of a pcapng file that has several is a port, and so is
/// each of several files; else who speaks first between two addresses is behind the first port, the other behind the second.
/// </summary>
/// <param name="Numbers">Ports of the switch, in order.</param>
/// <param name="Chosen">A port per file, or one for all; null = auto. Empty = auto for all.</param>
public sealed record CapturePorts(IReadOnlyList<uint> Numbers, IReadOnlyList<uint?> Chosen)
{
    /// <summary>What <c>--port</c> takes.</summary>
    public const string Syntax = "N|auto";

    private readonly DirectionFinder _finder = new();

    /// <summary>A number, or null for <c>auto</c>.</summary>
    /// <exception cref="CommandFailedException">Neither.</exception>
    public static uint? Parse(string text, IReadOnlyList<uint> numbers)
    {
        if (text == "auto") return null;
        if (!uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number)) CommandFailedException.ThrowUsage($"--port: '{text}' is neither a port number nor auto");
        if (!numbers.Contains(number)) CommandFailedException.ThrowUsage(string.Create(CultureInfo.InvariantCulture, $"--port: port {number} does not exist"));
        return number;
    }

    internal Func<CaptureReader, CaptureFramePlace, uint> Of(CaptureReader capture, int file, int fileCount)
    {
        uint? chosen = Chosen.Count == 0 ? null : Chosen[Math.Min(file, Chosen.Count - 1)];
        if (chosen is uint port) return (_, _) => port;
        if (fileCount > 1 && Chosen.Count == 0)
        {
            if (fileCount > Numbers.Count) CommandFailedException.ThrowUsage($"--in: {fileCount} captures and {Numbers.Count} ports; say which arrives where with --port after each");
            return (_, _) => Numbers[file];
        }

        Dictionary<int, uint> interfaces = Interfaces(capture);
        if (interfaces.Count > 1) return (_, place) => interfaces[place.InterfaceIndex];
        uint second = Numbers.Count > 1 ? Numbers[1] : Numbers[0];
        return (_, place) => _finder.PortOf(place.Bytes) == 1 ? Numbers[0] : second;
    }

    /// <summary>Interfaces that have frames, each with a port.</summary>
    private Dictionary<int, uint> Interfaces(CaptureReader capture)
    {
        SortedSet<int> seen = [];
        while (capture.TryRead(out CaptureFrame frame)) seen.Add(frame.InterfaceIndex);
        capture.Rewind();
        if (seen.Count > Numbers.Count) throw new CommandFailedException(ExitCode.BadInput, $"{capture.Path}: frames of {seen.Count} interfaces, and there are {Numbers.Count} ports (--ports); --port N puts all on one");
        return seen.Select((id, i) => (id, Port: Numbers[i])).ToDictionary(static p => p.id, static p => p.Port);
    }
}
