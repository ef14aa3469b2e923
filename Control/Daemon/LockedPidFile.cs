using System.Globalization;
using System.Text;

namespace Mergeflow.Control;

/// <summary>The file that says which process this is, as long as it lives (OVS <c>make_pidfile</c>): locked, so that a file that is left over is known to be one. <c>ovs-appctl</c> looks at the lock.</summary>
public sealed class LockedPidFile : IDisposable
{
    private readonly string _path;
    private readonly FileStream _file;

    /// <summary>Writes it.</summary>
    /// <exception cref="IOException">A process that runs has it, or it cannot be written.</exception>
    public LockedPidFile(string path)
    {
        _path = Path.GetFullPath(path);
        if (Holder(_path) is { } holder) throw new IOException($"{path}: already running as pid {holder}, aborting");

        // Written and locked before it has its name: nobody sees half of it.
        string made = $"{_path}.tmp{Environment.ProcessId}";
        _file = new FileStream(made, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead });
        try
        {
            if (OperatingSystem.IsLinux()) _file.Lock(0, 0);
            _file.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n")));
            _file.Flush();
            File.Move(made, _path, overwrite: true);
        }
        catch
        {
            _file.Dispose();
            File.Delete(made);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        File.Delete(_path);
        _file.Dispose();
    }

    /// <summary>The process that has the file locked; null = none.</summary>
    private static string? Holder(string path)
    {
        if (!File.Exists(path) || !OperatingSystem.IsLinux()) return null;
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            file.Lock(0, 0);
            file.Unlock(0, 0);
            return null;
        }
        catch (IOException)
        {
            using StreamReader reader = new(file, leaveOpen: true);
            return reader.ReadToEnd().Trim();
        }
    }
}
