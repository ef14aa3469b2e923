using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>What left each port as a pcap file of its own, named after the port, in a folder; with the time stamps of the frames that came in. All appear, or none.</summary>
public sealed class PortCaptures : IDisposable
{
    private readonly Dictionary<uint, (OutputFile File, PcapWriter Writer)> _ports = [];

    private string? _madeFolder;

    /// <summary>The file of a port.</summary>
    public static string PathOf(string folder, string port) => Path.Combine(folder, $"{port}.pcap");

    /// <summary>Makes the folder if it is not there.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="ports">The switch's ports: each gets a file, also if nothing leaves there.</param>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static PortCaptures Create(string folder, IReadOnlyList<(string Name, uint Number)> ports)
    {
        PortCaptures captures = new() { _madeFolder = Directory.Exists(folder) ? null : folder };
        if (File.Exists(folder)) throw new IOException($"'{folder}' is no directory");
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (UnauthorizedAccessException)
        {
            throw new IOException($"cannot write '{folder}': permission denied");
        }

        try
        {
            foreach ((string name, uint number) in ports)
            {
                OutputFile file = OutputFile.Create(PathOf(folder, name));
                captures._ports.Add(number, (file, new PcapWriter(file.Stream)));
            }
        }
        catch
        {
            captures.Dispose();
            throw;
        }

        return captures;
    }

    /// <summary>A frame leaves.</summary>
    public void Write(uint port, ReadOnlySpan<byte> frame, long timestampNs)
    {
        if (_ports.TryGetValue(port, out (OutputFile File, PcapWriter Writer) to)) to.Writer.Write(frame, timestampNs);
    }

    /// <summary>Gives the files their names.</summary>
    public void Commit()
    {
        foreach ((OutputFile file, _) in _ports.Values) file.Commit();
        _madeFolder = null;
    }

    public void Dispose()
    {
        foreach ((OutputFile file, _) in _ports.Values) file.Dispose();
        if (_madeFolder is not null && !Directory.EnumerateFileSystemEntries(_madeFolder).Any()) Directory.Delete(_madeFolder);
        _madeFolder = null;
    }
}
