namespace Mergeflow.Nic;

/// <summary>Reads configuration files: they are small, and whatever is larger is something else, perhaps without an end.</summary>
internal static class ConfigFile
{
    /// <summary>Largest file, bytes.</summary>
    public const int MaxSizeBytes = 16 << 20;

    /// <summary>The file's bytes.</summary>
    /// <exception cref="NicConfigException">It is larger than <see cref="MaxSizeBytes"/>.</exception>
    public static byte[] ReadAllBytes(string path)
    {
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
