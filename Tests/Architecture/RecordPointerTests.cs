using System.Reflection;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A record prints its public members. The compiler of programs that are compiled ahead of time (ILC 10.0) ends where one of them is a pointer.</summary>
public sealed class RecordPointerTests
{
    public static TheoryData<string> Assemblies => ["Mergeflow.Native", "Mergeflow.Nic", "Mergeflow.Engine", "Mergeflow.Control", "mergeflow"];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void No_record_has_a_public_pointer(string assembly)
    {
        const BindingFlags own = BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Public;
        Type[] records = [.. Assembly.Load(assembly).GetTypes().Where(static t => t.GetMethod("PrintMembers", BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly) is not null)];
        Assert.NotEmpty(records);
        Assert.Empty(records.SelectMany(static t => t.GetProperties(own).Where(static p => p.PropertyType.IsPointer).Select(p => $"{t}.{p.Name}").Concat(t.GetFields(own).Where(static f => f.FieldType.IsPointer).Select(f => $"{t}.{f.Name}"))));
    }
}
