namespace Mergeflow.Nic;

/// <summary>Reads configuration files: they are small, and whatever is larger is something else, perhaps without an end.</summary>
internal static class ConfigFile
{
    /// <summary>Largest file, bytes.</summary>
    public const int MaxSizeBytes = 16 << 20;

    /// <summary>The file's bytes.</summary>
    /// <exception cref="NicConfigException">It is not there, a directory, or larger than <see cref="MaxSizeBytes"/>.</exception>
    public static byte[] ReadAllBytes(string path)
    {
        if (Directory.Exists(path)) throw new NicConfigException(path, "", 0, "is a directory");
        if (!File.Exists(path)) throw new NicConfigException(path, "", 0, "does not exist");
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0);
        using var content = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        for (int got; (got = file.Read(buffer)) > 0;)
        {
            content.Write(buffer, 0, got);
            if (content.Length > MaxSizeBytes) throw new NicConfigException(path, "", 0, $"larger than {MaxSizeBytes >> 20} MiB");
        }

        return content.ToArray();
    }
}

/// <summary>A profile or fault plan that cannot be used; the message is one line and names the place.</summary>
public sealed class NicConfigException : Exception
{
    /// <summary>An error at a place in the text.</summary>
    /// <param name="source">File or name of the text.</param>
    /// <param name="path">Member, e.g. <c>exactMatch.entries</c>; empty = the whole text.</param>
    /// <param name="line">Line from 1; 0 = no line is known.</param>
    /// <param name="problem">What is wrong and what was expected.</param>
    public NicConfigException(string source, string path, int line, string problem)
        : base($"{source}:{(line > 0 ? $"{line}:" : "")}{(path.Length > 0 ? $" {path}:" : "")} {problem}")
    {
        Path = path;
        Line = line;
    }

    /// <summary>Member the error is about.</summary>
    public string Path { get; }

    /// <summary>Line from 1; 0 = unknown.</summary>
    public int Line { get; }
}
