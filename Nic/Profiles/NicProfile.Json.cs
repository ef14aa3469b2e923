using System.Reflection;
using System.Text;

namespace Mergeflow.Nic;


public sealed partial record NicProfile
{
    private const string ResourcePrefix = "Mergeflow.Nic.Profiles.";

    /// <summary>Names of the profiles that come with the program.</summary>
    public static IReadOnlyList<string> EmbeddedNames { get; } = Assembly.GetExecutingAssembly().GetManifestResourceNames()
        .Where(static n => n.StartsWith(ResourcePrefix, StringComparison.Ordinal))
        .Select(static n => n[ResourcePrefix.Length..^".json".Length]).Order(StringComparer.Ordinal).ToArray();

    /// <summary>Loads an embedded profile by name, or a JSON file by path. Throws <see cref="NicConfigException"/>.</summary>
    public static NicProfile Load(string pathOrName)
    {
        if (EmbeddedNames.Contains(pathOrName)) return LoadEmbedded(pathOrName);
        if (!File.Exists(pathOrName))
        {
            throw new NicConfigException(pathOrName, "", 0, $"neither a file nor a profile; profiles: {string.Join(", ", EmbeddedNames)}");
        }
        try
        {
            return Parse(pathOrName, ConfigFile.ReadAllBytes(pathOrName));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new NicConfigException(pathOrName, "", 0, $"cannot be read: {e.Message}");
        }
    }

    /// <summary>Parses JSON text; <paramref name="source"/> is what messages call it. Throws <see cref="NicConfigException"/>.</summary>
    public static NicProfile Parse(string source, string json) => Parse(source, Encoding.UTF8.GetBytes(json));

    /// <summary>Parses UTF-8 JSON text. Throws <see cref="NicConfigException"/>.</summary>
    public static NicProfile Parse(string source, ReadOnlySpan<byte> utf8)
        => NicProfileReader.Read(ConfigValue.Parse(source, utf8), LoadEmbedded);

    private static NicProfile LoadEmbedded(string name)
    {
        using Stream? s = Assembly.GetExecutingAssembly().GetManifestResourceStream($"{ResourcePrefix}{name}.json");
        if (s is null) throw new NicConfigException(name, "", 0, $"no such profile; profiles: {string.Join(", ", EmbeddedNames)}");
        byte[] bytes = new byte[s.Length];
        s.ReadExactly(bytes);
        return Parse($"{name}.json", bytes);
    }
}
